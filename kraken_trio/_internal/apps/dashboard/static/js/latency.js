// How long each stage takes: percentiles of all, and the histogram of the one that is chosen.

import { byId, draw, keyed, make, mark, put } from "./dom.js";
import { count, duration, words } from "./format.js";

const WIDTH = 400;
const HEIGHT = 96;
const FEWEST = 9; // Buckets: a single one would tell nothing of its place.
const COLUMNS = ["p50", "p90", "p99", "p999", "max"];

export function latency({ model, painter }) {
  let chosen = null;
  const picture = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  const labels = make("p", { class: "histogram-labels", "aria-hidden": "true" });
  const title = make("p", { class: "histogram-title" });
  byId("histogram").append(title, picture, labels);

  function stage([name]) {
    const pick = make(
      "button",
      {
        type: "button",
        class: "pick",
        onclick: () => {
          chosen = name;
          painter.changed("latency");
        },
      },
      words(name),
    );
    const cells = [...COLUMNS, "count"].map(() => make("td"));
    return {
      node: make("tr", {}, make("th", { scope: "row" }, pick), ...cells),
      update([, figures]) {
        mark(pick, "aria-pressed", name === chosen);
        COLUMNS.forEach((column, index) => put(cells[index], duration(figures[column])));
        put(cells.at(-1), count(figures.count));
      },
    };
  }

  /** Leave out the empty ends, so that what is there has the room. */
  function trimmed(buckets) {
    const full = buckets.map(([, number]) => number > 0);
    if (!full.includes(true)) return [];
    let from = full.indexOf(true);
    let to = full.lastIndexOf(true) + 1;
    while (to - from < Math.min(FEWEST, buckets.length)) {
      if (from > 0) from -= 1;
      if (to < buckets.length) to += 1;
    }
    return buckets.slice(from, to);
  }

  function histogram(name, figures) {
    const buckets = trimmed(figures.buckets);
    const most = Math.max(1, ...buckets.map(([, number]) => number));
    const wide = WIDTH / Math.max(1, buckets.length);
    picture.replaceChildren(
      ...buckets.map(([edge, number], index) => {
        // A bucket that is not empty is seen.
        const tall = number === 0 ? 0 : Math.max(1.5, (number / most) * (HEIGHT - 4));
        return draw(
          "rect",
          { x: index * wide + wide * 0.08, y: HEIGHT - tall, width: wide * 0.84, height: tall },
          draw("title", {}, `${edge === null ? "longer" : `up to ${duration(edge)}`}: ${count(number)}`),
        );
      }),
    );
    const edges = buckets.map(([edge]) => edge).filter((edge) => edge !== null);
    const some = edges.length < 2 ? edges : [edges[0], edges[Math.floor((edges.length - 1) / 2)], edges.at(-1)];
    labels.replaceChildren(...some.map((edge) => make("span", {}, `≤ ${duration(edge)}`)));
    put(title, `${words(name)}: ${count(figures.count)} in this window`);
    mark(picture, "aria-label", `Histogram of ${words(name)}: half within ${duration(figures.p50)}, 99 of 100 within ${duration(figures.p99)}, the longest ${duration(figures.max)}`);
  }

  const show = keyed(stage);
  painter.on(["latency"], () => {
    const stages = Object.entries(model.latency?.stages ?? {});
    if (!stages.some(([name]) => name === chosen)) chosen = stages[0]?.[0] ?? null;
    show(byId("stages"), stages, ([name]) => name);
    put(byId("latency-window"), model.latency === null ? "" : `the last ${count(model.latency.window)} of each`);
    byId("histogram").hidden = chosen === null;
    if (chosen !== null) histogram(chosen, model.latency.stages[chosen]);
  });
}
