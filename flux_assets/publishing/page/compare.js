"use strict";

/** One picture large, or beside another: the one before it, the shop's photo, the other shots. */
{
  const { el, button } = sheet.elements;
  const { say, moment } = sheet.language;
  let isApart = false;

  const image = (address, text) =>
    el("img", {
      src: address,
      alt: text,
      decoding: "async",
      on: { error: (event) => event.target.classList.add("missing") },
    });

  const figure = (address, text, caption) =>
    el("figure", {}, image(address, text), el("figcaption", { text: caption }));

  /** Two pictures on top of each other, with an edge between them that can be moved. */
  const buildSlider = (before, after, title) => {
    const slider = el(
      "div",
      { class: "slider" },
      image(after.address, `${title}: ${after.name}`),
      el("div", { class: "before" }, image(before.address, `${title}: ${before.name}`)),
      el("div", { class: "edge" }),
      el("span", { class: "tag left", text: before.name }),
      el("span", { class: "tag right", text: after.name }),
      el("input", {
        type: "range",
        min: 0,
        max: 100,
        value: 50,
        "aria-label": say("compare.edge", { left: before.name, right: after.name }),
        on: { input: (event) => slider.style.setProperty("--at", `${event.target.value}%`) },
      }),
    );
    slider.style.setProperty("--at", "50%");
    return slider;
  };

  const buildPair = (before, after, title) => {
    const rebuild = (apart) => () => {
      isApart = apart;
      pair.replaceWith(buildPair(before, after, title));
    };
    const ways = el(
      "div",
      { class: "ways", role: "group", "aria-label": say("compare") },
      button({
        text: say("compare.slider"),
        pressed: !isApart,
        class: "quiet",
        press: rebuild(false),
      }),
      button({
        text: say("compare.apart"),
        pressed: isApart,
        class: "quiet",
        press: rebuild(true),
      }),
    );
    const shown = isApart
      ? el(
          "div",
          { class: "apart" },
          ...[before, after].map((it) => figure(it.address, title, it.name)),
        )
      : buildSlider(before, after, title);
    const pair = el("div", { class: "pictures" }, shown, ways);
    return pair;
  };

  /** The shots of a product side by side; each opens. */
  const buildShots = (rows, row) =>
    el(
      "div",
      { class: "shots" },
      ...rows.map((it) => {
        const { shot, full, title } = sheet.data.row(it);
        return el(
          "button",
          {
            type: "button",
            "aria-current": it === row ? "true" : null,
            on: { click: () => sheet.details.show(it, { compare: "" }) },
          },
          figure(full, `${title}, ${shot}`, shot),
        );
      }),
    );

  /** The pictures before this one, newest first. */
  const earlier = (more) =>
    (more?.takes ?? [])
      .filter((it) => !it.current)
      .toSorted((one, other) => (one.at < other.at ? 1 : -1));

  const photoOf = (picture, more) => picture.photo ?? more?.photo ?? null;

  /** Which ways of looking there are for a picture. */
  const modes = (picture, more, rows) => ({
    "": true,
    old: earlier(more).length > 0,
    photo: photoOf(picture, more) !== null,
    shots: rows.length > 1,
  });

  /**
   * What the stage shows.
   * @param {{row: number, more: object|null, rows: number[], mode: string, take: object|null}} of
   */
  const build = ({ row, more, rows, mode, take }) => {
    const picture = sheet.data.row(row);
    const now = { address: picture.full, name: say("compare.now") };
    const old = take ?? earlier(more)[0];
    if (mode === "old" && old) {
      return buildPair(
        { address: old.full, name: say("compare.old", { at: moment(old.at) }) },
        now,
        picture.title,
      );
    }
    const photo = photoOf(picture, more);
    if (mode === "photo" && photo) {
      return buildPair({ address: photo, name: say("compare.photo") }, now, picture.title);
    }
    if (mode === "shots" && rows.length > 1) return buildShots(rows, row);
    return el(
      "div",
      { class: "pictures" },
      image(picture.full, `${picture.title}, ${picture.shot}`),
    );
  };

  sheet.compare = { build, modes, earlier, photoOf };
}
