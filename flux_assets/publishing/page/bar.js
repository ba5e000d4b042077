"use strict";

/** What stands around the sheet: decisions with their counts, order, size of the cards, pages. */
{
  const { el, button, fill, find } = sheet.elements;
  const { say, sayName, number } = sheet.language;
  const { state, change, setFacet } = sheet.address;
  const { data, filter } = sheet;

  const countOf = (verdict) =>
    verdict
      ? filter.count("decision", verdict)
      : data.head.columns.decision.reduce((sum, it) => sum + filter.count("decision", it), 0);

  const buildTab = (verdict) => {
    const chosen = [...(state.facets.decision ?? [])];
    const isChosen = verdict ? chosen.includes(verdict) : !chosen.length;
    const made = button({
      class: `tab ${verdict}`,
      text: verdict ? sayName("decision", verdict) : say("all"),
      pressed: isChosen,
      press: () => setFacet("decision", new Set(verdict ? [verdict] : [])),
    });
    if (data.columns) made.append(el("span", { class: "count", text: number(countOf(verdict)) }));
    return made;
  };

  const buildSort = () => {
    const orders = ["product", "newest", ...(data.columns?.score ? ["score"] : [])];
    return el(
      "select",
      {
        id: "sort",
        "aria-label": say("sort"),
        on: { change: (event) => change({ sort: event.target.value }) },
      },
      ...orders.map((name) =>
        el("option", { value: name, text: say(`sort.${name}`), ".selected": state.sort === name }),
      ),
    );
  };

  const isLarge = () => document.documentElement.dataset.size !== "compact";

  /** Large cards show the picture, compact ones many at a time. */
  const resize = (size) => {
    sheet.remember("size", size);
    document.documentElement.dataset.size = size;
    sheet.grid.rebuild();
    paint();
  };

  const buildSize = (name) =>
    button({
      icon: name,
      label: say(`size.${name}`),
      class: "quiet",
      pressed: isLarge() === (name === "large"),
      press: () => resize(name),
    });

  const paint = () => {
    const filters = button({
      icon: "filter",
      text: say("filters"),
      class: "quiet filters",
      press: () => sheet.panel.open(true),
    });
    filters.id = "filters-button";
    const all = button({
      text: say("select.all"),
      class: "quiet all",
      press: sheet.selection.all,
    });
    const tabs = ["", ...data.head.columns.decision].map(buildTab);
    fill(
      find("bar"),
      el("div", { class: "tabs", role: "group", "aria-label": say("facet.decision") }, ...tabs),
      el(
        "div",
        { class: "order" },
        filters,
        el("span", {
          class: "found",
          role: "status",
          text: say("found", { count: filter.length() }),
        }),
        filter.isOld() &&
          button({ text: say("renew"), class: "link", press: () => sheet.tell("view") }),
        sheet.roles.mayDecide() && filter.length() > 0 && all,
        buildSort(),
        el(
          "div",
          { class: "sizes", role: "group", "aria-label": say("size") },
          buildSize("large"),
          buildSize("compact"),
        ),
      ),
    );
  };

  const paintPages = () => {
    const count = sheet.grid.pages();
    const go = (page) => () => sheet.address.change({ page });
    const step = (name, page, key) =>
      button({
        icon: name,
        label: say(`page.${name}`),
        key,
        class: "quiet",
        disabled: page < 1 || page > count,
        press: go(page),
      });
    const text = say("page.of", { page: state.page, count });
    fill(
      find("pages"),
      ...(count > 1
        ? [
            step("left", state.page - 1, "["),
            el("span", { text }),
            step("right", state.page + 1, "]"),
          ]
        : []),
    );
  };

  /** Say that there is nothing, and how to see something again. */
  const paintEmpty = () => {
    const place = find("empty");
    place.hidden = filter.length() > 0;
    if (place.hidden) return;
    const clear = button({ text: say("clear"), class: "strong", press: sheet.address.clear });
    const key = sheet.address.isFiltered() ? "empty" : "empty.all";
    fill(place, el("p", { text: say(key) }), sheet.address.isFiltered() && clear);
  };

  sheet.bar = { paint, paintPages, paintEmpty, resize, isLarge };
}
