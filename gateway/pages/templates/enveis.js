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
      for (const name of ["id", "name", "for"]) {
        if (each.hasAttribute(name)) each.setAttribute(name, each.getAttribute(name).replace(from, to));
      }
      each.removeAttribute("aria-describedby");
      each.removeAttribute("aria-invalid");
      if (each.tagName === "INPUT") each.value = "";
    }
    return copy;
  }

  function morePeople(form, list) {
    const button = element("button", { type: "button", class: "quiet" }, say(form, "Person"));
    button.addEventListener("click", () => {
      const last = list.lastElementChild;
      const number = list.children.length;
      if (number >= 200) return;
      const next = emptied(last, `person-${number}-`, `person-${number + 1}-`);
      const summary = next.querySelector("summary");
      summary.textContent = summary.textContent.replace(String(number), String(number + 1));
      next.open = true;
      next.querySelector("select").selectedIndex = 0;
      list.append(next);
      next.querySelector("select").focus();
    });
    list.after(element("p", {}), button);
    button.previousElementSibling.append(button);
  }

  function moreFamilyNames(form, list) {
    // One listener for rows that are there and rows that come.
    list.addEventListener("input", (event) => {
      const family = event.target.closest(".families");
      if (!family || event.target.value === "") return;
      const rows = family.children;
      const count = rows.length;
      if (event.target !== rows[count - 1].querySelector("input") || count >= 8) return;
      const next = emptied(rows[count - 1], `-family-${count - 1}`, `-family-${count}`);
      const label = next.querySelector("label");
      label.textContent = label.textContent.replace(String(count), String(count + 1));
      family.append(next);
    });
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

  function whyNot(form, files, file) {
    const end = file.name.toLowerCase().split(".").pop();
    if (!form.dataset.types.split(" ").includes(end)) return say(form, "Type");
    if (file.size > Number(form.dataset.fileMax)) return say(form, "Large");
    return files.indexOf(file) >= Number(form.dataset.filesMax) ? say(form, "Count") : "";
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
        const why = whyNot(form, files, file);
        row.append(element("bdi", {}, file.name), element("span", { class: why ? "why" : "how" }, why ? ` ${why}` : ""));
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
      keep([...files, ...event.dataTransfer.files]);
    });
    area.append(element("p", { class: "hint" }, say(form, "Drop")), list);
    return () => files.map((file, at) => ({ size: file.size, bar: list.children[at].querySelector("progress") }));
  }

  // --- sending --------------------------------------------------------------------------------------------------

  function show(answer) {
    const page = new DOMParser().parseFromString(answer, "text/html");
    // Browsers obey it once for each document, and this document stays: the focus is set below instead.
    for (const each of page.querySelectorAll("[autofocus]")) each.removeAttribute("autofocus");
    document.replaceChild(document.adoptNode(page.documentElement), document.documentElement);
    window.scrollTo({ top: 0, behavior: "instant" }); // the style sheet asks for smooth scrolling: not past the words
    enhance();
    // The reason for an error, or the return words, stand at the top; focusing alone would scroll the page past them.
    (document.getElementById("problem") || document.getElementById("main")).focus({ preventScroll: true });
  }

  function progress(bars, total) {
    return (event) => {
      // Files travel last and in order, so the end of the body belongs to them; a few bytes of framing do not matter.
      let left = event.loaded - Math.max(0, event.total - total);
      for (const { size, bar } of bars) {
        bar.hidden = false;
        bar.value = size ? Math.max(0, Math.min(100, (100 * left) / size)) : 100;
        left -= size;
      }
    };
  }

  function sending(form, chosen) {
    const state = element("p", { class: "state", role: "status" });
    form.querySelector(".send").after(state);
    const button = form.querySelector(".send button");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const bars = chosen();
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.upload.addEventListener("progress", progress(bars, bars.reduce((sum, { size }) => sum + size, 0)));
      request.upload.addEventListener("load", () => { state.textContent = say(form, "Sealing"); });
      request.addEventListener("load", () => show(request.responseText));
      request.addEventListener("error", () => {
        state.textContent = say(form, "Broken");
        button.disabled = false;
      });
      state.textContent = say(form, "Sending");
      button.disabled = true;
      request.send(new FormData(form));
    });
  }

  function enhance() {
    const form = document.querySelector("form[data-script]");
    if (!form) return;
    const people = form.querySelector("[data-people]");
    if (people) { morePeople(form, people); moreFamilyNames(form, people); }
    guidance(form);
    const area = form.querySelector("[data-files]");
    sending(form, area ? fileList(form, area) : () => []);
  }

  enhance();
})();
