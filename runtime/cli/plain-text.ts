// Text from files, prompts and errors for a terminal, which would obey the control characters in it.
export const plainText = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]+/gu, " ");
