"use strict";

/** Loads what the page needs, and keeps its parts in step. */
{
  const SEARCH_MS = 180;
  const RECOUNT_MS = 300;
  const SAY_MS = 900;
  const { el, fill, find } = sheet.elements;
  const { say } = sheet.language;
  const { state, change } = sheet.address;
  const { data } = sheet;
  let searched = "";
  let found = null;
  let typing = 0;
  let counting = 0;
  let saying = 0;
  let painting = 0;

  const paintAround = () => {
    sheet.panel.paint();
    sheet.panel.paintChips();
    sheet.bar.paint();
    sheet.bar.paintPages();
    sheet.bar.paintEmpty();
  };

  const show = () => {
    const isPublish = state.view === "publish" && sheet.roles.maySeeEditions();
    find("pictures").hidden = isPublish;
    find("search").hidden = isPublish;
    sheet.top.paint();
    sheet.publish.show(isPublish);
    if (isPublish) return;
    sheet.filter.run(found);
    paintAround();
    sheet.grid.restart();
  };

  const searchFirst = async () => {
    if (state.q === searched) return true;
    const result = await sheet.search(state.q);
    if (result === undefined) return false;
    searched = state.q;
    found = result;
    return true;
  };

  const view = async () => {
    if (find("words") !== document.activeElement) find("words").value = state.q;
    try {
      if (await searchFirst()) show();
    } catch (error) {
      sheet.dialogs.tell(error.message);
    }
  };

  const typed = (event) => {
    clearTimeout(typing);
    const { value } = event.target;
    typing = setTimeout(() => change({ q: value.trim() }, { replace: true }), SEARCH_MS);
  };

  /** After a decision: the cards with the next frame, the counts when there is a moment. */
  const decided = () => {
    sheet.top.paintStatus();
    cancelAnimationFrame(painting);
    painting = requestAnimationFrame(sheet.grid.paint);
    clearTimeout(counting);
    counting = setTimeout(() => {
      sheet.filter.recount();
      if (state.view === "pictures") sheet.bar.paint();
    }, RECOUNT_MS);
    clearTimeout(saying);
    saying = setTimeout(() => {
      const count = sheet.saving.count();
      find("saved").textContent = count ? say("saving.count", { count }) : say("saving.done");
    }, SAY_MS);
  };

  const click = (event) => {
    const card = event.target.closest(".card");
    if (!card || event.target.closest("button, input") || card.classList.contains("loading"))
      return;
    const place = Number(card.dataset.place);
    sheet.grid.focus(place);
    if (event.shiftKey || event.ctrlKey || event.metaKey) {
      if (sheet.roles.mayDecide()) sheet.selection[event.shiftKey ? "extend" : "toggle"](place);
    } else if (event.target.closest(".picture, .title"))
      sheet.details.show(Number(card.dataset.row));
  };

  /** Rows that cannot be read: the pictures changed since, or the server is away. */
  const lost = async () => {
    const reply = await fetch(`${sheet.page.folder}head.js`, { method: "HEAD" }).catch(() => null);
    const text = say(reply?.status === 410 ? "changed" : "lost");
    const reload = sheet.elements.button({
      text: say("reload"),
      class: "quiet",
      press: () => location.reload(),
    });
    fill(find("banner"), el("span", { text }), reload);
  };

  const listen = () => {
    sheet.listen("lost", lost);
    sheet.listen("view", view);
    sheet.listen("saving", decided);
    sheet.listen("language", () => {
      sheet.top.paint();
      paintAround();
      sheet.actions.paint();
      sheet.grid.rebuild();
      sheet.details.paint();
      sheet.publish.paint();
    });
    sheet.listen("searching", (share) => {
      find("searching").hidden = share === null;
      find("searching").value = share ?? 0;
    });
    find("words").addEventListener("input", typed);
    find("search").addEventListener("submit", (event) => {
      event.preventDefault();
      change({ q: find("words").value.trim() });
      sheet.grid.focus(0);
    });
    find("grid").addEventListener("click", click);
    find("pictures").addEventListener(
      "click",
      (event) => {
        if (sheet.panel.isOpen() && !event.target.closest("#panel")) sheet.panel.open(false);
      },
      { capture: true },
    );
  };

  const fail = (error) => {
    fill(find("banner"), el("span", { text: say("failed", { what: error.message }) }));
  };

  /** The first cards need neither the columns nor a filter, so they do not wait for them. */
  const begin = async () => {
    document.documentElement.dataset.size = sheet.remember("size") ?? "large";
    sheet.language.writeTexts();
    const columns = sheet.load("columns");
    columns.catch(() => {});
    const head = await sheet.load("head");
    data.head = head;
    sheet.address.read();
    listen();
    const isPlain = !sheet.address.isFiltered() && state.sort === "product";
    if (isPlain) {
      show();
      sheet.tell("details");
    }
    data.takeColumns(await columns);
    if (isPlain && !state.q) {
      sheet.filter.run(null);
      paintAround();
      sheet.grid.paint();
    } else {
      await view();
      sheet.tell("details");
    }
  };

  begin().catch(fail);
}
