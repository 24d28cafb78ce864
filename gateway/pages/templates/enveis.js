// Optional: whatever this does can be done without it. It sends nothing but the form, keeps nothing, and holds
// no text of its own: sentences come from the page, in its language.
"use strict";

(() => {
  const say = (form, name) => form.dataset[`text${name}`] || "";

  function element(tag, attributes, text) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // --- people ---------------------------------------------------------------------------------------------------

  function emptied(original, from, to) {
    const copy = original.cloneNode(true);
    for (const each of copy.querySelectorAll("[id], [name], [for], [aria-describedby]")) {
      for (const name of ["id", "name", "for", "aria-describedby"]) {
        if (each.hasAttribute(name)) each.setAttribute(name, each.getAttribute(name).replace(from, to));
      }
      const described = (each.getAttribute("aria-describedby") || "").replace("problem-text", "").trim();
      if (described) each.setAttribute("aria-describedby", described); else each.removeAttribute("aria-describedby");
      each.removeAttribute("aria-invalid");
      if (each.tagName === "INPUT") each.value = "";
    }
    return copy;
  }

  function morePeople(form, list) {
    // The page's own rows come first, one at a time (the style sheet shows the next one only); then this adds more.
    const button = element("button", { type: "button", class: "quiet" }, say(form, "Person"));
    button.addEventListener("click", () => {
      const people = list.querySelectorAll(".person");
      const number = people.length;
      if (number >= 200) return;
      const next = emptied(people[number - 1], `person-${number}-`, `person-${number + 1}-`);
      const summary = next.querySelector("summary");
      summary.textContent = summary.textContent.replace(String(number), String(number + 1));
      next.open = true;
      next.querySelector("select").selectedIndex = 0;
      line.before(next);
      next.querySelector("select").focus();
    });
    const line = element("p", { class: "more-people" });
    line.append(button);
    list.append(line);
  }

  // --- who can act ----------------------------------------------------------------------------------------------

  function guidance(form) {
    const select = form.querySelector("#public_body");
    const list = form.querySelector("details.who");
    if (!select || !list) return;
    const shown = element("div", { class: "who-now", role: "status" });
    select.closest("p").after(shown);
    const show = () => {
      const entries = [...list.querySelectorAll("[data-body]")];
      const found = select.value && entries.find((entry) => entry.dataset.body === select.value);
      shown.replaceChildren(...(found ? [element("p", {}, found.querySelector("dd").textContent)] : []));
    };
    select.addEventListener("change", show);
    show();
  }

  // --- files ----------------------------------------------------------------------------------------------------

  // Which of the page's sentences says why the server will refuse this file; empty if none does.
  function whyNot(form, files, file) {
    const end = file.name.toLowerCase().split(".").pop();
    if (file.size === 0) return "Empty";
    if (!form.dataset.types.split(" ").includes(end)) return "Type";
    if (file.size > Number(form.dataset.fileMax)) return "Large";
    return files.indexOf(file) >= Number(form.dataset.filesMax) ? "Count" : "";
  }

  function reason(form, why) {
    const said = element("span", { class: why ? "why" : "how" }, why ? ` ${say(form, why)}` : "");
    if (why !== "Type") return said;
    said.append(" ", element("a", { href: form.dataset.how, target: "_blank", rel: "noopener" }, say(form, "How")));
    return said;
  }

  function fileList(form, area) {
    const input = area.querySelector("input[type=file]");
    const list = element("ul", { class: "chosen", "aria-label": say(form, "Chosen") });
    let files = [];

    const keep = (wanted) => {
      const transfer = new DataTransfer();
      for (const file of wanted) transfer.items.add(file);
      input.files = transfer.files;
      files = [...input.files];
      list.replaceChildren(...files.map((file, at) => {
        const row = element("li", {});
        row.append(element("bdi", {}, file.name), reason(form, whyNot(form, files, file)));
        row.append(element("progress", { max: "100", value: "0", hidden: "", "aria-label": file.name }));
        const remove = element("button", { type: "button", class: "quiet small", "aria-label": `${say(form, "Remove")}: ${file.name}` }, say(form, "Remove"));
        remove.addEventListener("click", () => { keep(files.filter((_, index) => index !== at)); input.focus(); });
        row.append(remove);
        return row;
      }));
    };

    // Choosing again adds, as people expect; without a script a browser replaces.
    input.addEventListener("change", () => keep([...files, ...input.files]));
    area.addEventListener("dragover", (event) => { event.preventDefault(); area.classList.add("over"); });
    area.addEventListener("dragleave", () => area.classList.remove("over"));
    area.addEventListener("drop", (event) => {
      event.preventDefault();
      area.classList.remove("over");
      // A folder cannot be read as a file, and one that is sent all the same breaks the upload.
      const folders = [...event.dataTransfer.items].filter(({ kind }) => kind === "file").map((item) => item.webkitGetAsEntry?.()?.isDirectory);
      const dropped = [...event.dataTransfer.files];
      folder.textContent = folders.includes(true) ? say(form, "Folder") : "";
      keep([...files, ...dropped.filter((_, at) => !folders[at])]);
    });
    const folder = element("p", { class: "why", role: "status" });
    area.append(element("p", { class: "hint drop" }, say(form, "Drop")), folder, list);
    return () => files.map((file, at) => ({ size: file.size, bar: list.children[at].querySelector("progress") }));
  }

  // --- sending --------------------------------------------------------------------------------------------------

  // Shows the page that answers; false if the answer is none of ours, but of a server in between.
  function show(answer, address) {
    const page = new DOMParser().parseFromString(answer, "text/html");
    if (!page.getElementById("main")) return false;
    // Browsers obey it once for each document, and this document stays: the focus is set below instead.
    for (const each of page.querySelectorAll("[autofocus]")) each.removeAttribute("autofocus");
    const form = document.querySelector("form[data-script]");
    const why = page.querySelector("#problem");
    // A page that only says why: it would take the form away, and what was typed and chosen with it.
    if (form && why && !page.querySelector("main form")) return putAbove(form, why);
    document.replaceChild(document.adoptNode(page.documentElement), document.documentElement);
    window.scrollTo({ top: 0, behavior: "instant" }); // the style sheet asks for smooth scrolling: not past the words
    // Reloading, or coming back with Forward, must not show an empty form as if nothing had been received.
    if (document.querySelector("[data-once]")) history.replaceState(null, "", address);
    enhance();
    // The reason for an error, or the return words, stand at the top; focusing alone would scroll the page past them.
    (document.getElementById("problem") || document.getElementById("main")).focus({ preventScroll: true });
    return true;
  }

  function putAbove(form, why) {
    document.getElementById("problem")?.remove();
    const title = why.querySelector("h1"); // the page has one already
    title?.replaceWith(element("h2", { id: title.id }, title.textContent));
    form.before(document.adoptNode(why));
    for (const button of form.querySelectorAll("button[type=submit]")) button.disabled = false;
    for (const bar of form.querySelectorAll("progress")) bar.hidden = true;
    form.querySelector(".state").textContent = "";
    why.scrollIntoView({ behavior: "instant" });
    why.focus({ preventScroll: true });
    return true;
  }

  function progress(bars, total) {
    return (event) => {
      // `parts` puts the files last and in order, so the end of the body belongs to them; a few bytes of framing do not matter.
      let left = event.loaded - Math.max(0, event.total - total);
      for (const { size, bar } of bars) {
        bar.hidden = false;
        bar.value = size ? Math.max(0, Math.min(100, (100 * left) / size)) : 100;
        left -= size;
      }
    };
  }

  // Files last, although fields follow them on the page: an upload that breaks off costs no typed word then.
  function parts(form) {
    const data = new FormData(form);
    const files = data.getAll("files");
    data.delete("files");
    for (const file of files) data.append("files", file);
    return data;
  }

  function sending(form, chosen) {
    const state = element("p", { class: "state", role: "status" });
    form.querySelector(".send").after(state); // later beside the button that was used: there may be two, far apart
    const buttons = form.querySelectorAll("button[type=submit]");
    form.addEventListener("submit", (event) => {
      // A button that leads elsewhere with what was typed (another language) needs no script.
      if (event.submitter?.hasAttribute("formaction")) return;
      event.preventDefault();
      (event.submitter?.closest("form p") || form.querySelector(".send")).after(state);
      const bars = chosen();
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.upload.addEventListener("progress", progress(bars, bars.reduce((sum, { size }) => sum + size, 0)));
      // Without its end nothing is received. A browser that tells no progress may have sent all of it: Firefox tells
      // none of a short text, and "load" only when the answer comes.
      let isPartial = false;
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        isPartial = loaded < total;
        if (!isPartial) state.textContent = say(form, "Sealing");
      });
      const broken = () => {
        state.textContent = say(form, isPartial ? "Broken" : "Unanswered");
        // It may have been received, and its words shown to nobody: sent again it is a new one, and gets new words.
        form.elements.form.value = "";
        for (const { bar } of bars) bar.hidden = true;
        for (const button of buttons) button.disabled = false;
      };
      request.addEventListener("load", () => { if (!show(request.responseText, form.action)) broken(); });
      request.addEventListener("error", broken);
      state.textContent = say(form, "Sending");
      for (const button of buttons) button.disabled = true;
      request.send(parts(form));
    });
  }

  // --- receipt --------------------------------------------------------------------------------------------------

  // A browser asks whether to leave only after its page was touched, and in words of its own.
  function stay(event) {
    event.preventDefault();
    event.returnValue = true;
  }

  function twoPlaces(count) {
    const [one, other] = crypto.getRandomValues(new Uint32Array(2));
    const first = one % count;
    return [first, (first + 1 + (other % (count - 1))) % count].sort((a, b) => a - b);
  }

  // As keys/word_list.py reads words: four letters are enough, and a telephone may have put in an accent, an ø or an æ.
  function isWord(typed, word) {
    const letters = typed.toLowerCase().normalize("NFKD").replaceAll("ø", "o").replaceAll("æ", "e").replace(/[^a-z]/g, "");
    return letters.length >= 4 && word.startsWith(letters);
  }

  function tryTwo(form, words) {
    const list = words.textContent.trim().split(/\s+/);
    const start = form.querySelector("button");
    const startText = start.textContent;
    const state = element("div", { class: "state", role: "status" });
    const asked = element("div", {});
    const again = element("button", { type: "button", class: "quiet" }, say(form, "Again"));
    form.prepend(state, asked);
    let inputs = [];

    const end = (...lines) => {
      words.hidden = false;
      inputs = [];
      asked.replaceChildren();
      again.remove();
      start.textContent = startText;
      state.replaceChildren(...lines.map((line) => element("p", {}, line)));
    };

    const ask = () => {
      words.hidden = true;
      state.replaceChildren();
      const hint = element("p", { class: "hint" }, say(form, "Hint"));
      inputs = twoPlaces(list.length).map((place) => {
        const input = element("input", { id: `try-${place + 1}`, autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
        return { place, input };
      });
      asked.replaceChildren(hint, ...inputs.map(({ place, input }) => {
        const row = element("p", {});
        row.append(element("label", { for: input.id }, say(form, "Word").replace("#", place + 1)), input);
        return row;
      }));
      start.textContent = say(form, "Check");
      start.after(" ", again);
      inputs[0].input.focus();
    };

    again.addEventListener("click", () => { end(); start.focus(); });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!inputs.length) return ask();
      const wrong = inputs.filter(({ place, input }) => !isWord(input.value, list[place]));
      if (!wrong.length) window.removeEventListener("beforeunload", stay);
      end(...(wrong.length ? wrong.map(({ place }) => say(form, "Wrong").replace("#", place + 1)) : [say(form, "Right")]));
      start.focus();
    });
  }

  // A browser may keep a page for Back and Forward: whoever comes next finds it empty, and then what its address says.
  function showOnce() {
    if (!document.querySelector("[data-once]")) return;
    addEventListener("pagehide", () => {
      removeEventListener("beforeunload", stay);
      document.title = "";
      document.body.replaceChildren();
    });
    addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });
  }

  function receipt() {
    const words = document.getElementById("receipt");
    if (!words) return;
    window.addEventListener("beforeunload", stay);
    tryTwo(document.querySelector("form[data-try]"), words);
  }

  // --- leaving at once ------------------------------------------------------------------------------------------

  // The page is emptied before the next one comes, its place in the history is given to that one, and a question
  // whether to leave is not asked. One listener for the document: it outlives the page that an answer replaces.
  function leaveAtOnce() {
    let leaving = false;
    addEventListener("beforeunload", (event) => { if (leaving) event.stopImmediatePropagation(); });
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[data-exit]");
      if (!link) return;
      event.preventDefault();
      leaving = true;
      for (const field of document.querySelectorAll("input, textarea")) field.value = "";
      document.title = link.hostname;
      document.body.replaceChildren();
      location.replace(link.href);
    });
  }

  // --- leaving --------------------------------------------------------------------------------------------------

  // The browser asks, in its own words, before it leaves a page on which something was typed and not sent.
  function askBeforeLeaving(form) {
    let isCarried = false; // what was typed goes along: a change of language
    const isTyped = () => [...form.elements].some((each) =>
      (each.matches("textarea, input:not([type=hidden], [type=radio], [type=checkbox])") && each.value.trim() !== ""));
    form.addEventListener("submit", (event) => { isCarried = event.submitter?.hasAttribute("formaction") ?? false; });
    window.addEventListener("pageshow", () => { isCarried = false; });
    window.addEventListener("beforeunload", (event) => {
      if (form.isConnected && !isCarried && isTyped()) event.preventDefault();
    });
  }

  function enhance() {
    showOnce();
    receipt();
    const form = document.querySelector("form[data-script]");
    if (!form) return;
    const people = form.querySelector("[data-people]");
    if (people) morePeople(form, people);
    guidance(form);
    askBeforeLeaving(form);
    const area = form.querySelector("[data-files]");
    sending(form, area ? fileList(form, area) : () => []);
  }

  leaveAtOnce(); // first: its answer to beforeunload must come before any other
  enhance();
})();
