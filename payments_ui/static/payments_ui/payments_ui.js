// Guards the widgets of a page. They work without it; with it they are quieter and safer.
// Listens to the event names of htmx 2 and 4 alike, and calls neither.
(() => {
  if (window.paymentsUI) return; // boosted pages bring the script again
  window.paymentsUI = {};

  const IDLE = 15 * 60 * 1000;
  const running = new Map(); // request -> element that is busy with it
  const latest = new WeakMap(); // element -> its last request: an earlier one may answer later
  let lastInput = Date.now();
  let focusedRoot = null;

  const on = (names, listener) => {
    for (const name of names) document.addEventListener(name, listener);
  };
  const requestOf = (event) => event.detail?.ctx ?? event.detail?.xhr;
  const sourceOf = ({ detail, target }) =>
    detail?.ctx?.sourceElement ?? detail?.requestConfig?.elt ?? target;
  const triggerOf = ({ detail }) =>
    detail?.ctx?.sourceEvent ?? detail?.requestConfig?.triggeringEvent;
  const rootOf = (element) => element?.closest?.("[data-pui]");
  const isBeat = (element) => element.matches("[data-pui-heartbeat]");
  // Only what htmx has found works with it: Turbo, Unpoly or a script of the site bring markup
  // that it never sees. Its own marks tell of elements that it found before this script ran.
  const wired = new WeakSet();
  const isWired = (element) =>
    wired.has(element) ||
    element._htmx?.initialized === true ||
    element["htmx-internal-data"]?.initHash !== undefined;
  const beats = () => [...document.querySelectorAll("[data-pui-heartbeat]")];
  const isBackground = (element) => element.matches("[data-pui-bg], [data-pui-heartbeat]");
  const isBusy = (root) => root.querySelector("form[aria-busy]") !== null;

  // Set by <pui-pause>. Where storage is refused, it lasts as long as the page.
  const isPaused = () => {
    try {
      return localStorage.getItem("pui-paused") === "1";
    } catch {
      return document.documentElement.hasAttribute("data-pui-paused");
    }
  };

  // --- What is said, in the language of the page, once.
  const say = (root, what) => {
    const live = root.querySelector("[data-pui-live]");
    const text = live?.dataset[what] ?? "";
    if (live && live.textContent !== text) live.textContent = text;
  };

  // --- Busy: announced and shown, but never disabled, which would lose the focus.
  const begin = (request, element) => {
    const button = element.querySelector?.("button:not([type=button])");
    const content = button && [...button.childNodes];
    element.setAttribute("aria-busy", "true");
    button?.setAttribute("aria-disabled", "true");
    const timer = setTimeout(() => {
      if (button?.dataset.puiBusy) button.textContent = button.dataset.puiBusy;
      button?.setAttribute("data-pui-slow", "");
    }, 400);
    running.set(request, { element, button, content, timer });
    latest.set(element, request);
  };
  const end = (request) => {
    const { element, button, content, timer } = running.get(request);
    running.delete(request);
    clearTimeout(timer);
    if ([...running.values()].some((other) => other.element === element)) return;
    element.removeAttribute("aria-busy");
    button?.removeAttribute("aria-disabled");
    if (button?.hasAttribute("data-pui-slow")) button.replaceChildren(...content);
    button?.removeAttribute("data-pui-slow");
  };

  // --- What htmx has found: controls show or hide themselves by it.
  let isTold = true;
  on(["htmx:afterProcessNode", "htmx:after:init"], ({ detail, target }) => {
    wired.add(detail?.elt ?? target);
    if (!isTold) return;
    isTold = false;
    queueMicrotask(() => {
      isTold = true;
      document.dispatchEvent(new CustomEvent("payments:wired"));
    });
  });

  // --- Requests
  const mayAsk = (source, root, timed) => {
    if (document.hidden || isBusy(root)) return false;
    if (isBeat(source) && source !== beats().find(isWired)) return false;
    if (isPaused() && (timed || isBeat(source))) return false;
    return !timed || Date.now() - lastInput < IDLE; // sliding sessions must end some day
  };
  on(["htmx:beforeRequest", "htmx:before:request"], (event) => {
    const source = sourceOf(event);
    const root = rootOf(source);
    const request = requestOf(event);
    if (!root || !request) return;
    const trigger = triggerOf(event)?.type ?? "every";
    const others = [...root.querySelectorAll("form[aria-busy]")].some((form) => form !== source);
    const refused = isBackground(source) ? !mayAsk(source, root, trigger === "every") : others;
    if (refused) event.preventDefault();
    else if (!isBackground(source) && !running.has(request)) begin(request, source);
  });
  on(["htmx:afterRequest", "htmx:finally:request"], (event) => {
    if (running.has(requestOf(event))) end(requestOf(event));
  });

  // --- Answers: ours only, none that is older than what is shown, none under a payment.
  const headerOf = ({ detail }) =>
    detail.xhr?.getResponseHeader("X-Payments-UI") ??
    detail.ctx?.response?.headers.get("X-Payments-UI");
  const statusOf = ({ detail }) => detail.xhr?.status ?? detail.ctx?.response?.status;
  // A login page, a proxy's or an error is not even parsed: its inline styles would violate
  // the page's policy, its headers could lead away.
  on(["htmx:beforeOnLoad", "htmx:before:response"], (event) => {
    const root = rootOf(sourceOf(event));
    if (!root || headerOf(event) != null) return;
    event.preventDefault();
    const status = statusOf(event);
    say(root, status < 400 || status === 401 || status === 403 ? "expired" : "failed");
  });
  const isOlder = ({ detail }, root) => {
    const answer = detail.ctx?.text ?? detail.xhr?.responseText ?? "";
    const shown = root.querySelector("[data-pui-body]")?.dataset.puiV;
    return Number(/data-pui-v="(\d+)"/.exec(answer)?.[1]) < Number(shown);
  };
  on(["htmx:beforeSwap", "htmx:before:swap"], (event) => {
    const source = sourceOf(event);
    const root = rootOf(source);
    if (!root) return;
    const late = isBackground(source)
      ? isBusy(root) || isOlder(event, root)
      : latest.get(source) !== requestOf(event);
    if (late) event.preventDefault();
    focusedRoot = root.contains(document.activeElement) ? root : null;
  });
  on(["htmx:afterSettle", "htmx:after:swap"], () => {
    const lost = focusedRoot?.isConnected && document.activeElement === document.body;
    if (lost)
      focusedRoot.querySelector("[tabindex='-1']:not([hidden])")?.focus({ preventScroll: true });
    focusedRoot = null;
  });
  on(["htmx:sendError", "htmx:error"], (event) => {
    const root = rootOf(sourceOf(event));
    if (root && requestOf(event) && event.detail.error?.name !== "AbortError") say(root, "offline");
  });

  // --- The page comes back: from the network, from the browser's cache, from its user.
  window.addEventListener("online", () => {
    for (const live of document.querySelectorAll("[data-pui-live]")) {
      if (live.textContent === live.dataset.offline) live.textContent = "";
    }
    document.dispatchEvent(new CustomEvent("payments:changed"));
  });
  window.addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    for (const request of running.keys()) end(request);
    for (const left of document.querySelectorAll("[data-pui] .htmx-request")) {
      left.classList.remove("htmx-request");
    }
    document.dispatchEvent(new CustomEvent("payments:changed"));
  });
  on(["pointerdown", "keydown"], () => {
    lastInput = Date.now();
  });
  Object.assign(window.paymentsUI, { isPaused, isWired });
})();
