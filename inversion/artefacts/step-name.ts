// How steps are named in a run folder, as the reference names them: `epoch_XXXXXXXX-step_XXXXXXXX`.
const eight = (count: number) => String(count).padStart(8, "0");

export const stepName = (epoch: number, step: number): string =>
  `epoch_${eight(epoch)}-step_${eight(step)}`;
