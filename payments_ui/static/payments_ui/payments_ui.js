// Guards the widgets of a page. They work without it; with it they are quieter and safer.
// Listens to the event names of htmx 2 and 4 alike, and calls neither.
(() => {
  if (window.paymentsUI) return; // boosted pages bring the script again
  window.paymentsUI = {};

  // Before htmx 2 reads its settings: what the page says by itself comes later, and wins.
  const { config } = window.htmx ?? {};
  if (config && document.currentScript?.hasAttribute("data-pui-no-indicator-styles"))
    config.includeIndicatorStyles = false;

  const IDLE = 15 * 60 * 1000;
  const LATE = 1500;
  const running = new Map(); // request -> element that is busy with it
  const latest = new WeakMap(); // element -> its last request: an earlier one may answer later
  let lastInput = Date.now();
  let focusedRoot = null;
  const unfolded = new Set(); // ids of what the user has opened: news do not close it

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
  // What the books had counted when something was read: two numbers, the first of which counts
  // more. By them, never by a clock: servers differ.
  const counted = (version) =>
    /^(\d+)\.(\d+)$/
      .exec(version ?? "")
      ?.slice(1)
      .map(BigInt);
  const isLess = (one, other) => one[0] < other[0] || (one[0] === other[0] && one[1] < other[1]);
  const shownBy = (root) => counted(root.querySelector("[data-pui-body]")?.dataset.puiV);

  // Set by <pui-pause>. Where storage is refused, it lasts as long as the page.
  const isPaused = () => {
    try {
      return localStorage.getItem("pui-paused") === "1";
    } catch {
      return document.documentElement.hasAttribute("data-pui-paused");
    }
  };

  // --- One voice: what several widgets learn at once, one of them says. What the user's own action
  // did is said with the focus, so that its echo in other widgets is silent.
  const taking = new Map(); // request whose answer is taken in -> root, where its user acted there
  const echoes = new WeakSet(); // events by which the answer to an action tells other widgets
  const echoing = new WeakSet(); // roots that refresh because of one
  // So it is where a PSP's script acts for the user, and gives the focus to what comes of it.
  const isActing = () => document.querySelector("[data-pui-acting]") !== null;
  const isSaid = (live, text) =>
    [...document.querySelectorAll("[data-pui-live]:not([hidden])")].some(
      (other) => other !== live && other.textContent.trim() === text,
    );
  const hush = (live, fragment) => {
    const said = live.matches?.("[data-pui-live]") && fragment.querySelector("[data-pui-said]");
    if (!said) return;
    if (isActing() || echoing.has(rootOf(live)) || isSaid(live, said.textContent.trim()))
      said.parentNode.replaceChildren();
  };
  on(["htmx:oobBeforeSwap"], ({ detail, target }) => hush(target, detail.fragment));
  on(["htmx:before:swap"], ({ detail }) => {
    for (const { type, target, fragment } of detail.tasks ?? [])
      if (type === "oob") hush(target, fragment);
  });
  // In the language of the page, and always where the user has acted.
  const say = (source, what) => {
    const live = rootOf(source).querySelector("[data-pui-live]");
    const text = live?.dataset[what] ?? "";
    if (!live || live.textContent === text || (isBackground(source) && isSaid(live, text))) return;
    live.textContent = text;
  };

  // --- Busy: announced and shown, but never disabled, which would lose the focus.
  const begin = (request, element) => {
    const button = element.querySelector?.("button:not([type=button])");
    const earlier = [...running.values()].find((other) => other.element === element);
    const content = earlier?.content ?? (button && [...button.childNodes]);
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
    if (!running.has(request)) return;
    const { element, button, content, timer } = running.get(request);
    running.delete(request);
    clearTimeout(timer);
    if ([...running.values()].some((other) => other.element === element)) return;
    element.removeAttribute("aria-busy");
    button?.removeAttribute("aria-disabled");
    if (button?.hasAttribute("data-pui-slow")) button.replaceChildren(...content);
    button?.removeAttribute("data-pui-slow");
  };

  // --- No news are lost. What a widget cannot ask for when it is told, it asks for once it can: htmx
  // finds the refresher of a new body some time after it has put it there, asks one thing at a time,
  // and a page that is out of sight asks nothing.
  const owed = new Map(); // root -> whether only echoes have told it, and whether a script has
  const note = (event) => {
    const isBare = event.detail === null || taking.size === 0;
    const roots = isBare ? [] : [...taking.values()].filter(Boolean);
    if (roots.length) echoes.add(event);
    for (const root of document.querySelectorAll("[data-pui]")) {
      if (roots.includes(root)) continue;
      const before = owed.get(root);
      owed.set(root, {
        isEcho: roots.length > 0 && before?.isEcho !== false,
        isBare: isBare || before?.isBare === true,
      });
    }
  };
  document.addEventListener("payments:changed", note, true); // before htmx, which asks at once
  // What an answer has told of, the page shows somewhere by its version.
  const isBehind = (root) => {
    const shown = shownBy(root);
    const asked = beats().map((beat) => new URL(beat.getAttribute("hx-get"), location.href));
    const known = [
      ...[...document.querySelectorAll("[data-pui]")].map(shownBy),
      ...asked.map(({ searchParams }) => counted(searchParams.get("v"))),
    ];
    return !shown || known.some((version) => version && isLess(shown, version));
  };
  const pay = () => {
    for (const [root, { isBare }] of owed) {
      const refresher = root.querySelector("[data-pui-bg]");
      const isOver = !root.isConnected || !refresher || !(isBare || isBehind(root));
      if (isOver) owed.delete(root);
      else if (isWired(refresher) && !document.hidden && !isBusy(root))
        refresher.dispatchEvent(new CustomEvent("payments:again"));
    }
  };
  on(["payments:wired", "visibilitychange"], pay);
  const asks = (root, trigger) => {
    const isEcho = trigger?.type === "payments:again" && owed.get(root)?.isEcho;
    if (isEcho || echoes.has(trigger)) echoing.add(root);
    else echoing.delete(root);
    owed.delete(root);
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
    // Halfway through what the user does, the books tell of it, too; its answer tells the whole.
    if (isBeat(source) && document.querySelector("[data-pui] form[aria-busy]")) return false;
    if (isBeat(source) && source !== beats().find(isWired)) return false;
    if (isPaused() && (timed || isBeat(source))) return false;
    return !timed || Date.now() - lastInput < IDLE; // sliding sessions must end some day
  };
  on(["htmx:beforeRequest", "htmx:before:request"], (event) => {
    const source = sourceOf(event);
    const root = rootOf(source);
    const request = requestOf(event);
    if (!root || !request) return;
    const trigger = triggerOf(event);
    const others = [...root.querySelectorAll("form[aria-busy]")].some((form) => form !== source);
    const isTimed = (trigger?.type ?? "every") === "every";
    const refused = isBackground(source) ? !mayAsk(source, root, isTimed) : others;
    if (refused) event.preventDefault();
    else if (isBackground(source)) isBeat(source) || asks(root, trigger);
    else {
      echoing.delete(root);
      if (!running.has(request)) begin(request, source);
    }
  });
  on(["htmx:afterRequest", "htmx:finally:request"], (event) => {
    end(requestOf(event));
    taking.delete(requestOf(event));
    setTimeout(pay); // once htmx has forgotten the request
  });

  // --- Answers: ours only, none that is older than what is shown, none under a payment.
  const headerOf = ({ detail }) =>
    detail.xhr?.getResponseHeader("X-Payments-UI") ??
    detail.ctx?.response?.headers.get("X-Payments-UI");
  const statusOf = ({ detail }) => detail.xhr?.status ?? detail.ctx?.response?.status;
  // A login page, a proxy's or an error is not even parsed: its inline styles would violate
  // the page's policy, its headers could lead away.
  on(["htmx:beforeOnLoad", "htmx:before:response"], (event) => {
    const source = sourceOf(event);
    if (!rootOf(source)) return;
    if (headerOf(event) != null) {
      taking.set(requestOf(event), isBackground(source) ? null : rootOf(source));
      return;
    }
    event.preventDefault();
    const status = statusOf(event);
    say(source, status < 400 || status === 401 || status === 403 ? "expired" : "failed");
  });
  const isOlder = ({ detail }, root) => {
    const answer = detail.ctx?.text ?? detail.xhr?.responseText ?? "";
    const theirs = counted(/data-pui-v="([\d.]+)"/.exec(answer)?.[1]);
    const shown = shownBy(root);
    return theirs !== undefined && shown !== undefined && isLess(theirs, shown);
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
    for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
    const lost = focusedRoot?.isConnected && document.activeElement === document.body;
    if (lost)
      focusedRoot.querySelector("[tabindex='-1']:not([hidden])")?.focus({ preventScroll: true });
    focusedRoot = null;
  });
  // What is opened fetches what it holds, once htmx has found the link. (A toggle does not bubble.)
  const unfold = () => {
    for (const link of document.querySelectorAll("[data-pui-unfold][open] [data-pui-uses] > a")) {
      if (isWired(link) && !running.has(latest.get(link))) link.click();
    }
  };
  document.addEventListener(
    "toggle",
    ({ target }) => {
      if (!target.id || !rootOf(target)) return;
      if (target.open) unfolded.add(target.id);
      else unfolded.delete(target.id);
      unfold();
    },
    true,
  );
  document.addEventListener("payments:wired", unfold);
  // Firefox calls a request that ends with its page a lost connection: late enough for the page to
  // be gone, unless the browser knows better.
  const doubts = [];
  const doubt = (source) => {
    if (navigator.onLine === false) say(source, "offline");
    else doubts.push(setTimeout(() => source.isConnected && say(source, "offline"), LATE));
  };
  const believe = () => {
    for (const timer of doubts.splice(0)) clearTimeout(timer);
  };
  window.addEventListener("pagehide", believe);
  on(["htmx:sendError", "htmx:error"], (event) => {
    const source = sourceOf(event);
    if (rootOf(source) && requestOf(event) && event.detail.error?.name !== "AbortError")
      doubt(source);
  });

  // --- The page comes back: from the network, from the browser's cache, from its user.
  window.addEventListener("online", () => {
    believe();
    for (const live of document.querySelectorAll("[data-pui-live]")) {
      if (live.textContent === live.dataset.offline) live.textContent = "";
    }
    document.dispatchEvent(new CustomEvent("payments:changed"));
  });
  window.addEventListener("pageshow", ({ persisted }) => {
    const [visit] = performance.getEntriesByType("navigation");
    // Back may bring what the browser has stored, however old: kept as it was, or loaded anew.
    if (!persisted && visit?.type !== "back_forward") return;
    for (const request of running.keys()) end(request);
    for (const left of document.querySelectorAll("[data-pui] .htmx-request")) {
      left.classList.remove("htmx-request");
    }
    document.dispatchEvent(new CustomEvent("payments:changed"));
  });
  on(["pointerdown", "keydown"], () => {
    lastInput = Date.now();
  });
  Object.assign(window.paymentsUI, { begin, end, isPaused, isWired });
})();
