// Runs inside the report, which loads nothing: shows one step at a time, or all, and follows the
// system's light or dark.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => document.documentElement.dataset.theme = dark.matches ? "dark" : "light";
  dark.addEventListener("change", theme);
  theme();
  const slider = document.getElementById("slider");
  const all = document.getElementById("all");
  if (slider === null || all === null) return;
  const steps = [...document.querySelectorAll(".step")];
  slider.addEventListener("input", () => {
    steps.forEach((step, i) => step.classList.toggle("shown", i === Number(slider.value)));
  });
  all.addEventListener("change", () => {
    document.getElementById("steps").classList.toggle("all", all.checked);
  });
})();
