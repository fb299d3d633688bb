// Names of folders on their way in or out, hidden from every list of runs: a run that is being deleted or
// imported. One that stays was interrupted and is nobody's; `runs prune` removes it.
export const deletedName = (run: string): string => `.deleted-${run}`;
export const importingName = (run: string): string => `.importing-${run}`;

export const isLeftover = (name: string): boolean => /^\.(deleted|importing)-/.test(name);
