/// <reference lib="dom" />
// @ts-check
// The pictures that a run is trained on, with their captions.
import { fill, h } from "./dom.js";
import { pictureAddress } from "./server.js";

/** @param {import("./view.js").LiveRun} run */
export function createTrainingPictures(run) {
  const element = h("aside", { class: "training", "aria-label": "training pictures" });
  let shown = -1;
  return {
    element,
    update() {
      const pictures = run.description.training;
      element.hidden = pictures.length === 0;
      if (pictures.length === shown) return;
      shown = pictures.length;
      fill(
        element,
        h("h2", {}, "Training pictures"),
        h(
          "div",
          { class: "tiles" },
          ...pictures.map(({ name, caption }, i) =>
            h("img", {
              src: pictureAddress(run.id, `training-${i}`, 320),
              alt: caption ?? name,
              title: caption ?? name,
              loading: "lazy",
            })
          ),
        ),
      );
    },
  };
}
