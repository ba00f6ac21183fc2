// What only the browser can do: keys, the right mouse button, files that come in and go out.
(() => {
  const ask = (name, ...args) => window.trame?.trigger(name, args);

  // trame holds back what was changed in the page as long as a call is under way, and lets later calls overtake it: a
  // button would act on what was typed before. So the changes go ahead of whatever is asked.
  function sendChanges() {
    const { client, state } = window.trame;
    const changes = [...state.dirtyKeys].map((key) => ({ key, value: state.get(key) }));
    state.dirtyKeys.clear();
    if (changes.length) client.getRemote().Trame.updateState(changes);
  }
  const trigger = window.trame.trigger;
  window.trame.trigger = (...asked) => {
    sendChanges();
    return trigger(...asked);
  };

  const isTyping = (element) => element?.closest?.(
    "textarea, [contenteditable=true], input:not([inputmode=none], [type=checkbox], [type=radio], [type=range])");
  const isControl = (element) => element?.closest?.("button, a, [role=option], [role=menuitem], [role=slider]");

  const KEYS = { a: "add", d: "remove", n: "lesion", t: "name", b: "box", escape: "cancel", " ": "before" };

  const nameField = () => document.querySelector("input[aria-label='Name of a structure']");

  const dialog = () => document.querySelector(".v-dialog.v-overlay--active");
  const isOverlayOpen = () => document.querySelector(".v-overlay--active:not(.v-tooltip)");

  // Space presses the button that a person went to by keys. After a press by mouse it means the views, though the focus
  // is still on what was pressed: menus give it back there, some time after they were closed.
  let wentByKeys = false;
  addEventListener("pointerdown", () => { wentByKeys = false; }, true);

  function meaning(event) {
    if (event.altKey || isTyping(event.target) || isOverlayOpen()) return undefined;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      if (key === "z") return event.shiftKey ? "redo" : "undo";
      return key === "y" ? "redo" : undefined;
    }
    return key === " " && wentByKeys && event.target !== document.body ? undefined : KEYS[key];
  }

  let taken; // the key that is down and was taken from what has the focus, which would press itself when it goes up
  addEventListener("keydown", (event) => {
    if (event.key === "Tab") wentByKeys = true;
    const wish = meaning(event);
    taken = wish && event.key;
    if (!wish) return;
    event.preventDefault();
    event.stopPropagation();
    if (wish === "name") nameField()?.focus();
    else if (!event.repeat) ask("key", wish);
  }, true);
  addEventListener("keyup", (event) => {
    if (event.key === taken) event.preventDefault();
  }, true);

  // Enter presses the button of a dialog that is marked so, wherever in it the person is, if not on another button.
  addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.repeat || isControl(event.target)) return;
    dialog()?.querySelector("button.by-enter")?.click();
  });

  // When a name was entered, or given up, the keys mean the view again. A name that is picked by Enter is meant, too.
  addEventListener("keydown", (event) => {
    const picks = event.key === "Enter" && event.target.closest?.(".names");
    if (picks || (event.target === nameField() && ["Enter", "Escape"].includes(event.key))) {
      setTimeout(() => {
        if (picks) document.querySelector("button[aria-label='Find it']").click();
        document.activeElement.blur(); // a list that loses the focus gives it back to its field
        nameField().blur();
        if (event.key === "Escape") ask("key", "forget name"); // else the next click would begin it
      });
    }
  }, true);

  const viewAt = (x, y) => [...document.querySelectorAll("[data-view]")].find((view) => {
    const box = view.getBoundingClientRect();
    return x >= box.left && x < box.right && y >= box.top && y < box.bottom;
  });
  const inGrid = (element) => element?.closest?.(".grid");

  addEventListener("contextmenu", (event) => {
    const view = inGrid(event.target) && viewAt(event.clientX, event.clientY);
    if (!view) return;
    event.preventDefault();
    const box = view.getBoundingClientRect();
    const right = (event.clientX - box.left) / box.width, down = (event.clientY - box.top) / box.height;
    ask("marker_menu", view.dataset.view, right, down, event.clientX, event.clientY);
  }, true);

  // After a click in a view the keys mean the view again, not the field that was typed into.
  addEventListener("pointerdown", (event) => {
    if (!inGrid(event.target)) return;
    document.activeElement?.blur?.();
    sendChanges(); // the views send their mouse by themselves
  }, true);

  // Every window is sent the same pictures, in the size that a window has told last, and clicks are taken in that size.
  // So the window that a person turns to tells its own if the pictures have another.
  const WAIT_MS = 500; // for pictures in the size that was told
  let toldAt = -WAIT_MS;
  function tellSizes(event) {
    if (event.type === "pointermove" && event.timeStamp - toldAt < WAIT_MS) return;
    const session = window.trame.client.getConnection()?.getSession(), p = Math.max(1, devicePixelRatio);
    for (const view of document.querySelectorAll("[data-area]")) {
      const { width: w, height: h } = view.getBoundingClientRect(), picture = view.parentElement.querySelector("img");
      const sizes = [[w, picture?.naturalWidth], [h, picture?.naturalHeight]];
      if (sizes.every(([px, sent]) => !px || !sent || Math.trunc(Math.max(10, Math.trunc(px)) * p) === sent)) continue;
      session?.call("trame.rca.size", [view.dataset.area, "anonymous", { w, h, p }]);
      toldAt = event.timeStamp;
    }
  }
  for (const kind of ["focus", "pointermove", "pointerdown"]) addEventListener(kind, tellSizes, true);

  async function send(files, then) {
    if (!files.length) return;
    const upload = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    for (const [n, file] of files.entries()) {
      if (n % 25 === 0) ask("uploading", upload, n, files.length);
      const name = encodeURIComponent(file.name);
      const sending = fetch(`upload/${upload}`, { method: "PUT", body: file, headers: { "X-File-Name": name } });
      if (!(await sending.catch(() => undefined))?.ok) break; // the server knows what is missing, and says so
    }
    ask(then, upload, files.length);
  }

  function pick(folder, then = "uploaded") {
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.webkitdirectory = folder;
    input.onchange = () => send([...input.files], then);
    input.click();
  }

  async function filesIn(entry) {
    if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
    const reader = entry.createReader(), found = [];
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return found;
      for (const inner of some) found.push(...(await filesIn(inner)));
    }
  }

  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  addEventListener("drop", async (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    // Taken at once: after the first wait the items are gone. Not every file that is dropped has an entry.
    const dropped = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    const found = dropped.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
    const files = found.map((one) => (one instanceof File ? [one] : filesIn(one)));
    send((await Promise.all(files)).flat(), "uploaded");
  });

  async function save(form) {
    const answer = await fetch(`save/${form}`);
    if (answer.ok) window.trame.utils.download(`segmentation${form}`, await answer.blob());
  }

  async function exportFiles(forms, options) {
    const wish = new URLSearchParams(forms.map((form) => ["form", form]));
    for (const [name, wanted] of Object.entries(options)) if (wanted) wish.set(name, "yes");
    const answer = await fetch(`export?${wish}`);
    if (!answer.ok) return; // the page says why
    const name = answer.headers.get("Content-Disposition").match(/filename="(.*)"/)[1];
    window.trame.utils.download(name, await answer.blob());
  }

  // What was chosen by a click in a view stands in sight in the list, too; so does the newest of what was done and asked.
  const NEWEST = [".segment.selected", ".step:not(.undone)", ".prompt:last-child"], seen = {};
  function showNewest() {
    for (const kind of NEWEST) {
      const row = document.querySelector(kind), found = row && [row.parentElement.childElementCount, row.textContent].join();
      if (found !== seen[kind]) row?.scrollIntoView({ block: "nearest" });
      seen[kind] = found;
    }
  }
  const room = new ResizeObserver(() => { // the list of prompts takes room from that of segments
    document.querySelector(".segment.selected")?.scrollIntoView({ block: "nearest" });
  });
  new MutationObserver(() => {
    showNewest();
    const list = document.querySelector(".segments");
    if (list) room.observe(list);
    // Keys mean the views wherever the person is, so a view itself is no stop of the tab key; its slider and buttons are.
    for (const area of document.querySelectorAll(".remote-controlled-area[tabindex='0']")) area.tabIndex = -1;
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });

  window.vista = { pick, save, exportFiles };
})();
