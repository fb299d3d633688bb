// Text from files, prompts and errors for a terminal, which would obey the control characters in it.
// The trap: line ends are control characters too; split into lines first.
export const plainText = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]+/gu, " ");
