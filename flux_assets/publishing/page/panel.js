"use strict";

/** The filters: each choice with how many pictures it leaves. */
{
  const MOST_VALUES = 12;
  const { el, button, fill, find } = sheet.elements;
  const { say, sayName, number, day } = sheet.language;
  const { state, toggle, change, setFacet } = sheet.address;
  const { data, filter } = sheet;
  const CLOSED = /^verdict:/;
  const opened = new Set();
  const turned = new Set();
  let drawer = false;

  const titleOf = (name) => {
    const [kind, channel] = name.split(":");
    return channel ? say("facet.verdict", { channel }) : sayName("facet", kind);
  };

  /** A facet's value, in the reader's words where it is one of ours. */
  const wordOf = (name, value) => {
    const kind = name.split(":")[0];
    return ["category", "shot"].includes(kind) ? value || say("none") : sayName(kind, value);
  };

  const buildChoice = (name, value) => {
    const count = filter.count(name, value);
    const isChosen = state.facets[name]?.has(value) ?? false;
    return el(
      "label",
      { class: count || isChosen ? "choice" : "choice none" },
      el("input", {
        type: "checkbox",
        ".checked": isChosen,
        on: { change: () => toggle(name, value) },
      }),
      el("span", { class: "name", text: wordOf(name, value) }),
      el("span", { class: "count", text: data.columns ? number(count) : "" }),
    );
  };

  const valuesOf = (name) => {
    const words = data.head.columns[name];
    return name === "category" ? words.toSorted((one, other) => one.localeCompare(other)) : words;
  };

  /** A part of the panel, open or closed as the reader left it. */
  const buildPart = (name, title, ...children) => {
    const isOpen = () => Boolean(state.facets[name]) || CLOSED.test(name) === turned.has(name);
    const part = el(
      "details",
      { class: "facet", ".open": isOpen() },
      el("summary", { text: title }),
      el("div", { role: "group", "aria-label": title }, ...children),
    );
    part.addEventListener("toggle", () => {
      if (part.open === CLOSED.test(name)) turned.add(name);
      else turned.delete(name);
    });
    return part;
  };

  const buildFacet = (name) => {
    const values = valuesOf(name);
    const isLong = values.length > MOST_VALUES && !opened.has(name);
    const isChosen = (value) => state.facets[name]?.has(value);
    const shown = values.filter((value, at) => !isLong || at < MOST_VALUES || isChosen(value));
    const hidden = values.length - shown.length;
    const more = button({
      text: say("more", { count: hidden }),
      class: "link",
      press: () => (opened.add(name), paint()),
    });
    const choices = shown.map((value) => buildChoice(name, value));
    return buildPart(name, titleOf(name), ...choices, hidden > 0 && more);
  };

  const buildSince = () => {
    const isDay = /^\d{4}-\d{2}-\d{2}$/.test(state.since);
    const editions = Object.entries(data.head.editions ?? {}).flatMap(([channel, list]) =>
      list.map(({ number: of, at }) => ({
        value: `${channel}:${of}`,
        text: say("since.edition", { channel, of: String(of), day: day(at) }),
      })),
    );
    const input = el("input", {
      type: "date",
      ".value": isDay ? state.since : "",
      on: { change: (event) => change({ since: event.target.value }) },
    });
    const select = el(
      "select",
      {
        on: { change: (event) => change({ since: event.target.value }) },
      },
      el("option", { value: "", text: say("since.none") }),
      ...editions.map((it) => el("option", { ...it, ".selected": it.value === state.since })),
    );
    return buildPart(
      "since",
      say("since"),
      sheet.dialogs.field(say("since.day"), input),
      editions.length > 0 && sheet.dialogs.field(say("since.of"), select),
    );
  };

  const buildBelow = () => {
    if (!data.columns?.score) return null;
    const levels = ["", "90", "75", "50", "25"];
    const select = el(
      "select",
      { on: { change: (event) => change({ below: event.target.value }) } },
      ...levels.map((level) =>
        el("option", {
          value: level,
          text: level ? say("below.level", { level: Number(level) }) : say("below.any"),
          ".selected": level === state.below,
        }),
      ),
    );
    return buildPart("below", say("below"), sheet.dialogs.field(say("below.label"), select));
  };

  /** All but the decision, which has its tabs; those of the channels' rules, as many as there are, last. */
  const facetNames = () =>
    Object.keys(data.head.columns)
      .filter((name) => name !== "decision" && data.head.columns[name].length > 1)
      .toSorted((one, other) => CLOSED.test(one) - CLOSED.test(other));

  const paint = () => {
    const panel = find("panel");
    const close = button({
      icon: "no",
      label: say("close"),
      class: "close quiet",
      press: () => open(false),
    });
    fill(panel, close, ...facetNames().map(buildFacet), buildSince(), buildBelow());
  };

  /** On a phone the filters lie over the page until they are closed. */
  const open = (isOpen) => {
    drawer = isOpen;
    document.body.classList.toggle("drawer", isOpen);
    if (isOpen) find("panel").querySelector("button, input").focus();
    else find("filters-button")?.focus();
  };

  const buildChip = (text, remove) =>
    el(
      "span",
      { class: "chip" },
      el("span", { text }),
      button({ icon: "no", label: say("remove", { what: text }), press: remove }),
    );

  /** What narrows the view at present, each with a button that takes it away. */
  const paintChips = () => {
    const chips = [];
    if (state.q) chips.push(buildChip(`“${state.q}”`, () => change({ q: "" })));
    for (const [name, values] of Object.entries(state.facets)) {
      if (name === "decision") continue;
      const text = [...values].map((value) => wordOf(name, value)).join(", ");
      chips.push(buildChip(`${titleOf(name)}: ${text}`, () => setFacet(name, new Set())));
    }
    if (state.since) {
      const when = state.since.includes(":") ? state.since.replace(":", " ") : day(state.since);
      chips.push(buildChip(say("since.chip", { when }), () => change({ since: "" })));
    }
    if (state.below) {
      const text = `${say("below")}: ${say("below.level", { level: Number(state.below) })}`;
      chips.push(buildChip(text, () => change({ below: "" })));
    }
    const clear = button({ text: say("clear"), class: "link", press: sheet.address.clear });
    fill(find("chips"), ...chips, chips.length > 1 && clear);
  };

  sheet.panel = { paint, paintChips, open, isOpen: () => drawer };
}
