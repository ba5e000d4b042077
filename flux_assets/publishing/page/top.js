"use strict";

/** The head of the page: whose pictures, the views, and whether the store has every decision. */
{
  const { el, button, fill, find } = sheet.elements;
  const { say } = sheet.language;
  const { state, change } = sheet.address;
  const { data } = sheet;

  const buildView = (name) =>
    el("a", {
      href: name === "pictures" ? "#" : `#view=${name}`,
      text: say(`view.${name}`),
      "aria-current": state.view === name ? "page" : null,
      on: {
        click: (event) => {
          event.preventDefault();
          change({ view: name });
        },
      },
    });

  const buildLanguage = () =>
    el(
      "select",
      {
        id: "language",
        "aria-label": say("language"),
        on: { change: (event) => sheet.language.speak(event.target.value) },
      },
      ...sheet.language.names.map((name) =>
        el("option", {
          value: name,
          lang: name,
          text: sheet.texts[name]["language.name"],
          ".selected": name === sheet.language.current(),
        }),
      ),
    );

  const paint = () => {
    const { head } = data;
    document.title = say("page.title", { shop: head.shop || "flux_assets" });
    fill(
      find("shop"),
      el("span", { text: head.shop || "flux_assets" }),
      head.sample && el("span", { class: "sample", text: say("sample") }),
    );
    fill(
      find("views"),
      ...(sheet.roles.maySeeEditions() ? ["pictures", "publish"].map(buildView) : []),
    );
    const person = head.user && el("span", { class: "user", text: head.user.name });
    const keys = button({
      icon: "keys",
      label: say("keys"),
      key: "?",
      class: "quiet keys",
      press: () => sheet.keys.show(),
    });
    fill(find("tools"), el("span", { id: "status" }), person, buildLanguage(), keys);
    paintStatus();
  };

  /** Whether the store has everything, always in the same corner. */
  const paintStatus = () => {
    const place = find("status");
    if (!place || !sheet.roles.mayDecide()) return;
    const count = sheet.saving.count();
    const conflicts = sheet.saving.conflicts.size;
    place.className = count ? "unsaved" : "saved";
    const again = button({
      text: say("conflict.count", { count: conflicts }),
      class: "link danger",
      press: sheet.conflicts.show,
    });
    const text = count ? say("saving.count", { count }) : say("saving.done");
    fill(
      place,
      conflicts > 0 && again,
      el("span", { class: "dot" }),
      el("span", { class: "text", text }),
    );
    paintBanner();
  };

  const paintBanner = () => {
    const trouble = sheet.saving.trouble();
    const banner = find("banner");
    const shown = trouble ? `${trouble.message}${sheet.saving.count()}` : "";
    if (banner.dataset.shown === shown) return;
    banner.dataset.shown = shown;
    if (!trouble) return fill(banner);
    const count = sheet.saving.count();
    const text = `${trouble.message} ${say(trouble.isPassing ? "saving.again" : "saving.stopped", { count })}`;
    const retry = button({ text: say("saving.now"), class: "quiet", press: sheet.saving.retry });
    return fill(banner, el("span", { text }), retry);
  };

  sheet.top = { paint, paintStatus };
}
