"use strict";

/** What can be done with the selection, at the lower edge; or how far a long step is. */
{
  const { el, button, fill, find } = sheet.elements;
  const { say } = sheet.language;
  const { selection, deciding } = sheet;
  let work = null;

  const buildWork = () => {
    const text = say("working", work);
    return [
      el("span", { text }),
      el("progress", { max: work.count, value: work.done, "aria-label": text }),
      button({ text: say("stop"), class: "quiet", press: deciding.stop }),
    ];
  };

  const buildActions = (count) => {
    const act = (icon, text, key, looks, press) =>
      button({ icon, text: say(text), key, class: looks, press: () => press(selection.rows()) });
    return [
      el("strong", {
        role: "status",
        text: say(selection.isAll() ? "selected.all" : "selected", { count }),
      }),
      act("yes", "approve", "A", "good", deciding.approve),
      act("no", "reject", "X", "danger", deciding.reject),
      act("person", "person.short", "p", "quiet", deciding.markPerson),
      sheet.roles.mayOrder() && act("again", "order", "r", "quiet", sheet.ordering.open),
      act(undefined, "select.none", "Esc", "quiet", selection.clear),
    ];
  };

  const paint = () => {
    const count = selection.count();
    const place = find("actions");
    place.hidden = !count && !work;
    fill(place, ...(work ? buildWork() : count ? buildActions(count) : []));
  };

  sheet.listen("selection", paint);
  sheet.listen("working", (now) => {
    work = now;
    paint();
  });

  sheet.actions = { paint };
}
