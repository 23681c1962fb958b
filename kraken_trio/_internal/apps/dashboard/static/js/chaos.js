// Buttons that let things go wrong; there are none where the feed is the exchange's.

import { byId, make, mark, put } from "./dom.js";

export function chaos({ model, painter, send, say }) {
  const help = byId("chaos-help");
  const usual = help.textContent;
  const answerText = byId("chaos-answer");

  function answer(text, good) {
    put(answerText, text);
    mark(answerText, "data-good", good ? "" : null);
    say(text);
  }

  painter.on(["hello"], () => {
    const faults = model.hello.chaos;
    byId("chaos").hidden = byId("jump-chaos").hidden = faults === null;
    byId("chaos-buttons").replaceChildren(
      ...(faults ?? []).map(({ name, label, help: text }) => {
        const explain = () => put(help, text);
        return make(
          "button",
          {
            type: "button",
            "data-fault": name,
            "aria-description": text,
            title: text,
            onfocus: explain,
            onmouseenter: explain,
            onblur: () => put(help, usual),
            onmouseleave: () => put(help, usual),
            onclick: () =>
              send({ type: "chaos", name }).then(
                () => answer(`${label}: as you wish.`, true),
                (error) => answer(error.message, false),
              ),
          },
          label,
        );
      }),
    );
  });
}
