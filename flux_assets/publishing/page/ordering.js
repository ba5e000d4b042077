"use strict";

/** Putting pictures right: another take, other words, another seed, or an earlier picture again. */
{
  const { el } = sheet.elements;
  const { say, money } = sheet.language;
  const WAYS = ["takes", "words", "seed"];

  const buildWay = (way, input, choose) => {
    const radio = el("input", {
      type: "radio",
      name: "way",
      value: way,
      ".checked": way === "takes",
      "data-first": way === "takes" ? true : null,
      on: { change: () => choose(way) },
    });
    return el(
      "div",
      { class: "way" },
      el(
        "label",
        {},
        radio,
        el(
          "span",
          {},
          el("strong", { text: say(`order.${way}`) }),
          el("small", { text: say(`order.${way}.hint`) }),
        ),
      ),
      input,
    );
  };

  const readItems = (pictures, way, inputs) => {
    const item = { words: null, seed: null, takes: null };
    if (way === "takes") item.takes = 1;
    else if (way === "words") item.words = inputs.words.value.trim();
    else item.seed = inputs.seed.valueAsNumber;
    if (way === "words" && !item.words) return null;
    if (way === "seed" && !Number.isInteger(item.seed)) return null;
    return pictures.map(({ fingerprint }) => ({ fingerprint, ...item }));
  };

  const askWay = (pictures) => {
    let way = "takes";
    const problem = el("p", { class: "problem", role: "alert" });
    const inputs = {
      words: el("textarea", { rows: 4, hidden: true, "aria-label": say("order.words") }),
      seed: el("input", {
        type: "number",
        min: 0,
        step: 1,
        hidden: true,
        "aria-label": say("order.seed"),
      }),
    };
    const choose = (name) => {
      way = name;
      for (const [of, input] of Object.entries(inputs)) input.hidden = of !== name;
      inputs[name]?.focus();
    };
    const title =
      pictures.length === 1
        ? say("order.one", pictures[0])
        : say("order.many", { count: pictures.length });
    const value = () => {
      const items = readItems(pictures, way, inputs);
      problem.textContent = items ? "" : say("order.missing");
      return items ?? undefined;
    };
    return sheet.dialogs.ask({
      title,
      class: "wide",
      body: [...WAYS.map((name) => buildWay(name, inputs[name], choose)), problem],
      choices: [{ text: say("order.price"), value }],
    });
  };

  const confirm = ({ count, cost, caps }) => {
    const leave = el("input", { type: "checkbox", ".checked": true });
    return sheet.dialogs.ask({
      title: say("order.sure", { count, cost: money(cost ?? 0) }),
      body: [
        el("p", { text: say("order.later") }),
        el(
          "label",
          { class: "choice" },
          leave,
          el("span", { text: say("order.leave", { count }) }),
        ),
        caps && el("p", { class: "hint", text: caps }),
      ],
      choices: [
        {
          text: say("order.go", { cost: money(cost ?? 0) }),
          value: () => ({ isRejected: leave.checked }),
        },
      ],
    });
  };

  /**
   * Ask how, show the price, and write it to the overrides; nothing is bought here. What is not
   * wanted any more may leave the channels at once.
   */
  const open = async (rows) => {
    if (!sheet.roles.mayOrder() || !rows.length) return;
    const pictures = [];
    for (const row of rows) pictures.push(await sheet.data.loadRow(row));
    const items = await askWay(pictures);
    if (!items) return;
    try {
      const price = await sheet.api.post("/api/rerolls?dry=1", { items });
      const sure = await confirm(price);
      if (!sure) return;
      const done = await sheet.api.post("/api/rerolls", { items });
      sheet.dialogs.tell(say("order.done", { count: done.count, cost: money(done.cost ?? 0) }));
      if (sure.isRejected)
        for (const row of rows) sheet.saving.decide(row, { verdict: "rejected" });
    } catch (error) {
      sheet.dialogs.tell(error.message);
    }
  };

  /** Have an earlier picture shown again; it costs nothing. */
  const pin = async (take) => {
    const sure = await sheet.dialogs.ask({
      title: say("pin.sure"),
      body: [
        el("img", { class: "pinned", src: take.thumb, alt: "" }),
        el("p", { text: say("pin.later") }),
      ],
      choices: [{ text: say("pin"), value: () => true }],
    });
    if (!sure) return;
    try {
      await sheet.api.post("/api/pins", { fingerprint: take.fingerprint });
      sheet.dialogs.tell(say("pin.done"));
    } catch (error) {
      sheet.dialogs.tell(error.message);
    }
  };

  sheet.ordering = { open, pin };
}
