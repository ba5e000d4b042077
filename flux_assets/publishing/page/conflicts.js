"use strict";

/** What to do where somebody else decided first. */
{
  const { el, button } = sheet.elements;
  const { say, sayName, moment } = sheet.language;
  let isOpen = false;

  const words = ({ verdict, reasons = [], note }) =>
    [sayName("decision", verdict), ...reasons.map((it) => sayName("reason", it)), note]
      .filter(Boolean)
      .join(" · ");

  const buildItem = (row, { mine, theirs }, leave) => {
    const picture = sheet.data.row(row);
    const item = el("li", { class: "conflict" });
    const settle = (act) => () => {
      act(row);
      item.remove();
      sheet.grid.paint();
      sheet.tell("saving");
      if (!sheet.saving.conflicts.size) leave();
    };
    const who = { by: theirs.by ?? "?", at: moment(theirs.at), what: words(theirs) };
    item.append(
      el("img", { src: picture?.thumb, alt: "" }),
      el(
        "div",
        {},
        el("strong", { text: picture ? `${picture.title} · ${picture.shot}` : "" }),
        el("p", { text: say("conflict.theirs", who) }),
        el("p", { text: say("conflict.mine", { what: words(mine) }) }),
      ),
      el(
        "div",
        { class: "pair" },
        button({ text: say("conflict.keep"), class: "quiet", press: settle(sheet.saving.resolve) }),
        button({
          text: say("conflict.insist"),
          class: "strong",
          press: settle(sheet.saving.insist),
        }),
      ),
    );
    return item;
  };

  /** Show all conflicts there are; those that are left undecided stay marked on their cards. */
  const show = async () => {
    if (isOpen || !sheet.saving.conflicts.size) return;
    isOpen = true;
    let close = () => {};
    const items = [...sheet.saving.conflicts].map(([row, conflict]) =>
      buildItem(row, conflict, () => close("done")),
    );
    await sheet.dialogs.ask({
      title: say("conflict.title", { count: items.length }),
      class: "wide",
      body: [el("ul", { class: "conflicts" }, ...items)],
      leave: say("later"),
      choices: [],
      open: (closing) => (close = closing),
    });
    isOpen = false;
  };

  sheet.listen("conflicts", show);
  sheet.conflicts = { show };
}
