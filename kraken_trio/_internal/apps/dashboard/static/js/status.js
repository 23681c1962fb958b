// Which feed this is, and whether this page is connected to the dashboard at all.

import { byId, make, mark, put } from "./dom.js";
import { clock } from "./format.js";

const KINDS = {
  exchange: "the exchange's own feed",
  simulation: "prices are made up on this machine",
  other: "not the exchange's own feed",
};

export function status({ model, painter, link }) {
  const banner = byId("banner");
  const bannerText = byId("banner-text");
  const source = byId("source");
  let version = null;
  let told = null;

  painter.on(["hello"], () => {
    const { source: feed, version: now, config } = model.hello;
    mark(source, "data-kind", feed.kind);
    source.replaceChildren(make("strong", {}, feed.label), make("span", {}, KINDS[feed.kind] ?? ""));
    mark(source, "title", feed.url);
    document.title = `${{ simulation: "Simulation", exchange: "Exchange" }[feed.kind] ?? "Other"} · kraken_trio`;
    put(
      byId("about"),
      `kraken_trio ${now}, protocol ${config.protocol}. Not affiliated with, endorsed by or supported by Kraken. Times are in UTC.`,
    );
    if (version !== null && version !== now) location.reload(); // The page of another version would not fit.
    version = now;
  });
  for (const node of document.querySelectorAll("[data-looked]")) {
    painter.on(["look"], () => put(node, model.look?.symbol ?? ""));
  }
  painter.on(["link", "tick"], () => {
    const { state, lost, turnedAway } = link;
    mark(document.body, "data-link", state.kind);
    put(byId("link"), { live: "● live", connecting: "◐ connecting", waiting: "■ not connected" }[state.kind]);
    banner.hidden = lost === null;
    if (lost === null) {
      told = null;
      return;
    }
    // A screen reader is told once, not each second.
    const since = model.hello === null ? "" : ` What you see is from ${clock(lost)} UTC.`;
    const why = turnedAway ?? "The dashboard is not connected to its server.";
    if (told !== why) put(bannerText, `${why}${since} It tries again by itself.`);
    told = why;
    const left = state.kind === "waiting" ? Math.max(0, Math.ceil((state.until - Date.now()) / 1000)) : 0;
    put(byId("banner-now"), state.kind === "waiting" ? `Try now (${left} s)` : "Trying");
    byId("banner-now").disabled = state.kind !== "waiting";
  });
  byId("banner-now").addEventListener("click", () => link.now());
}
