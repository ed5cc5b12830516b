// Stripe in the page. <pui-stripe> shows Stripe's own fields, and trades what is entered there for a
// token, which the form around it posts. <pui-stripe-step> takes the step that a bank asks for.
// Stripe.js is loaded when one of them is shown. No secret is kept, and nothing that Stripe.js says
// is believed: the server asks Stripe.
/** @import { Appearance, Stripe, StripeConstructor, StripeElementLocale } from "@stripe/stripe-js" */
/** @import { StripeElements, StripeElementsOptionsMode } from "@stripe/stripe-js" */
(() => {
  if (customElements.get("pui-stripe")) return; // boosted pages bring the script again

  const PATIENCE = 20_000; // milliseconds until Stripe's fields have to be there
  const LOOKS = [0, 3500, 3500, 7000]; // milliseconds before each look for what became of a step
  const nonce = document.currentScript?.nonce ?? "";

  /** @param {number} milliseconds */
  const pass = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  // --- Stripe.js, once for each page.
  /** @type {Map<string, Promise<StripeConstructor>>} */
  const scripts = new Map();
  /** @type {Map<string, Stripe>} */
  const clients = new Map();

  /** @param {string} src */
  const load = (src) =>
    new Promise((/** @type {(found: StripeConstructor) => void} */ resolve, reject) => {
      // The page itself may have it already, loaded or about to be.
      if (window.Stripe) return resolve(window.Stripe);
      const there = [...document.scripts].find((script) => script.src === src);
      const script = there ?? document.createElement("script");
      const fail = () => {
        script.remove();
        reject(new Error(`${src} was not loaded`));
      };
      script.addEventListener("load", () => (window.Stripe ? resolve(window.Stripe) : fail()));
      script.addEventListener("error", fail);
      if (there) return;
      Object.assign(script, { src, nonce, async: true });
      document.head.append(script);
    });

  /** @param {Element} element */
  const clientOf = async (element) => {
    const src = element.getAttribute("script") ?? "";
    if (!scripts.has(src)) {
      const loading = load(src);
      scripts.set(src, loading);
      loading.catch(() => scripts.delete(src));
    }
    const construct = await scripts.get(src);
    const key = element.getAttribute("publishable-key") ?? "";
    const locale = /** @type {StripeElementLocale} */ (element.getAttribute("locale") || "auto");
    const name = `${key} ${locale}`;
    const client = clients.get(name) ?? construct?.(key, { locale });
    if (!client) throw new Error("Stripe.js is missing");
    clients.set(name, client);
    return client;
  };

  // --- Our look, in the words of Stripe's appearance: plain colours, since its frames know neither
  // our custom properties nor light-dark().
  /** @typedef {[red: number, green: number, blue: number, alpha: number]} Colour */

  /** @param {Colour} layer @param {Colour} below @returns {Colour} */
  const over = ([red, green, blue, alpha], below) => {
    const [r, g, b] = [red, green, blue].map((part, i) => part * alpha + below[i] * (1 - alpha));
    return [r, g, b, 1];
  };
  /** @param {Colour} colour */
  const hex = (colour) =>
    `#${colour
      .slice(0, 3)
      .map((part) => Math.round(part * 255))
      .map((part) => Math.min(Math.max(part, 0), 255).toString(16).padStart(2, "0"))
      .join("")}`;
  /** @param {Colour} colour */
  const lightness = ([red, green, blue]) => red * 0.21 + green * 0.72 + blue * 0.07;

  /** @param {HTMLElement} element @returns {Appearance} */
  const appearanceOf = (element) => {
    const probe = element.appendChild(document.createElement("i"));
    probe.hidden = true;
    /** @param {string} value @returns {Colour} */
    const colour = (value) => {
      // Mixed with itself, any colour is written as three parts of sRGB, and its transparency.
      probe.style.color = `color-mix(in srgb, ${value}, ${value})`;
      const parts = getComputedStyle(probe).color.match(/-?[\d.]+(?:e-?\d+)?/g) ?? [];
      const [red = 0, green = 0, blue = 0, alpha = 1] = parts.map(Number);
      return [red, green, blue, alpha];
    };
    /** @type {Colour[]} */
    const layers = [];
    /** @type {Element | null} */
    let at = element;
    while (at && layers.at(-1)?.[3] !== 1) {
      layers.push(colour(getComputedStyle(at).backgroundColor));
      at = at.parentElement;
    }
    const background = layers.reduceRight((below, layer) => over(layer, below), colour("Canvas"));
    /** @param {string} value */
    const solid = (value) => over(colour(value), background);
    const { fontFamily, fontSize } = getComputedStyle(element);
    const text = solid(getComputedStyle(element).color);
    const [accent, danger, edge, soft] = ["--_accent", "--_danger", "--_edge", "--_soft"].map(
      (name) => hex(solid(`var(${name})`)),
    );
    probe.style.borderRadius = "var(--_radius)";
    const borderRadius = getComputedStyle(probe).borderStartStartRadius;
    probe.remove();
    const isDark = lightness(text) > lightness(background);
    return {
      theme: isDark ? "night" : "stripe",
      variables: {
        borderRadius,
        colorBackground: hex(background),
        colorDanger: danger,
        colorPrimary: accent,
        colorText: hex(text),
        colorTextPlaceholder: soft,
        colorTextSecondary: soft,
        fontFamily,
        // Below 16 pixels, phones zoom in on a field.
        fontSizeBase: `${Math.max(Number.parseFloat(fontSize), 16)}px`,
      },
      rules: {
        ".Input": { border: `1px solid ${edge}`, boxShadow: "none" },
        ".Input:focus": { border: `1px solid ${accent}`, boxShadow: `0 0 0 1px ${accent}` },
        ".Tab, .Block, .AccordionItem": { border: `1px solid ${edge}`, boxShadow: "none" },
      },
    };
  };

  /** @param {() => void} follow @param {AbortSignal} signal */
  const whenTheLookChanges = (follow, signal) => {
    let frame = 0;
    const look = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => signal.aborted || follow());
    };
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      matchMedia(query).addEventListener("change", look, { signal });
    }
    window.addEventListener("load", look, { signal }); // of style sheets, too
    document.addEventListener("transitionend", look, { signal });
    const observer = new MutationObserver(look);
    for (const element of [document.documentElement, document.body]) {
      observer.observe(element, { attributes: true });
    }
    signal.addEventListener("abort", () => observer.disconnect());
  };

  // --- What both elements do.
  /**
   * What the kit's first script offers: a form is announced and shown as busy, from begin to end.
   * @typedef {{
   *   begin: (work: object, form: Element) => void,
   *   end: (work: object) => void,
   *   isWired: (element: Element) => boolean,
   * }} Kit
   * @returns {Kit}
   */
  const kit = () => Reflect.get(window, "paymentsUI");

  class Part extends HTMLElement {
    /** @type {AbortController | undefined} Ends with the element's time in the page. */
    #shown;

    connectedCallback() {
      const shown = new AbortController();
      this.#shown = shown;
      // The beta of htmx 4 gives an element its own attributes only after it is in the page.
      queueMicrotask(() => {
        const form = this.querySelector("form") ?? this.closest("form");
        if (form && !shown.signal.aborted) this.show(form, shown.signal);
      });
    }

    disconnectedCallback() {
      this.#shown?.abort();
    }

    // Moving is no reason to begin anew.
    connectedMoveCallback() {}

    /** @param {HTMLFormElement} _form @param {AbortSignal} _signal */
    show(_form, _signal) {}

    /** @param {string} state Which of the element's parts to show. */
    set state(state) {
      for (const part of this.querySelectorAll("[data-pui-when]")) {
        part.toggleAttribute("hidden", part.getAttribute("data-pui-when") !== state);
      }
    }

    /** @param {string} what The name of a sentence in the page's language, or what to say itself. */
    say(what) {
      const alert = this.querySelector("[data-pui-stripe-error]");
      if (alert instanceof HTMLElement) alert.textContent = alert.dataset[what] ?? what;
    }
  }

  // --- The form.
  class StripeForm extends Part {
    /** @type {{ stripe: Stripe, elements: StripeElements } | undefined} Once they can be used. */
    #fields;
    /** @type {Promise<void> | undefined} Until they can be used, or never will. */
    #loading;
    #hasFailed = false;
    #hasToken = false;

    /** @param {HTMLFormElement} form @param {AbortSignal} signal */
    show(form, signal) {
      this.#loading = this.#load(form, signal);
      // Before htmx, and before whatever else listens to the form.
      const first = { capture: true, signal };
      form.addEventListener("submit", (event) => this.#submit(form, event, signal), first);
      const usage = () => this.#fields?.elements.update({ setupFutureUsage: this.#usage(form) });
      form.addEventListener("change", usage, { signal });
    }

    /** @param {HTMLFormElement} form @param {AbortSignal} signal */
    async #load(form, signal) {
      this.state = "loading";
      const late = pass(PATIENCE).then(() => Promise.reject(new Error("Stripe does not answer")));
      try {
        this.#fields = await Promise.race([this.#mount(form, signal), late]);
        this.state = "ready";
      } catch {
        if (signal.aborted) return;
        // The form goes on without a token: to Stripe's own page.
        this.#hasFailed = true;
        this.state = "failed";
        this.querySelector("[data-pui-stripe-mount]")?.replaceChildren();
        this.say("unloaded");
      }
    }

    /** @param {HTMLFormElement} form @param {AbortSignal} signal */
    async #mount(form, signal) {
      const stripe = await clientOf(this);
      const place = this.querySelector("[data-pui-stripe-mount]");
      if (signal.aborted || !(place instanceof HTMLElement)) throw new Error("Nowhere to mount");
      let shown = appearanceOf(this);
      const elements = stripe.elements({ ...this.#options(form), appearance: shown });
      const element = elements.create("payment");
      signal.addEventListener("abort", () => element.destroy());
      const ready = new Promise((/** @type {(value?: undefined) => void} */ resolve, reject) => {
        element.on("ready", () => resolve());
        element.on("loaderror", ({ error }) => reject(new Error(error.type)));
      });
      element.mount(place);
      await ready;
      const follow = () => {
        const wanted = appearanceOf(this);
        if (JSON.stringify(wanted) === JSON.stringify(shown)) return;
        shown = wanted;
        elements.update({ appearance: wanted });
      };
      whenTheLookChanges(follow, signal);
      follow();
      return { stripe, elements };
    }

    /** @param {HTMLFormElement} form @returns {StripeElementsOptionsMode} */
    #options(form) {
      const types = this.getAttribute("types");
      const options = {
        currency: this.getAttribute("currency") ?? "",
        setupFutureUsage: this.#usage(form),
        ...(types && { allowedPaymentMethodTypes: types.split(",") }),
      };
      if (this.getAttribute("mode") === "setup") return { mode: "setup", ...options };
      return { mode: "payment", amount: Number(this.getAttribute("amount")), ...options };
    }

    /**
     * What the customer agrees to: that the method is saved, and charged without them.
     * @param {HTMLFormElement} form @returns {"on_session" | "off_session" | null}
     */
    #usage(form) {
      const given = new FormData(form);
      if (given.has("save_method")) {
        return given.has("allow_unattended") ? "off_session" : "on_session";
      }
      const preset = this.getAttribute("future-usage");
      return preset === "on_session" || preset === "off_session" ? preset : null;
    }

    /** @param {HTMLFormElement} form @param {SubmitEvent} event @param {AbortSignal} signal */
    #submit(form, event, signal) {
      if (this.#hasToken || this.#hasFailed) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!form.hasAttribute("aria-busy")) this.#trade(form, event.submitter, signal);
    }

    /** @param {HTMLFormElement} form @param {HTMLElement | null} button @param {AbortSignal} signal */
    async #trade(form, button, signal) {
      const work = {};
      kit().begin(work, form);
      this.say("");
      const [token, problem] = await this.#token().catch(() => ["", "failed"]);
      if (signal.aborted) return kit().end(work);
      if (!problem) this.#post(form, button, token);
      // A plain form stays busy until the browser leaves the page.
      if (problem || kit().isWired(form)) kit().end(work);
      this.say(problem);
    }

    /** @returns {Promise<[token: string, problem: string]>} */
    async #token() {
      // Wallets open during the press of the button only: nothing is awaited before them.
      if (!this.#fields) await this.#loading;
      if (!this.#fields) return ["", ""];
      const { stripe, elements } = this.#fields;
      const { error } = await elements.submit();
      if (error) return ["", error.type === "validation_error" ? "invalid" : "failed"];
      const made = await stripe.createConfirmationToken({ elements });
      if (made.confirmationToken) return [made.confirmationToken.id, ""];
      return ["", made.error.type === "card_error" ? "invalid" : "failed"];
    }

    /** @param {HTMLFormElement} form @param {HTMLElement | null} button @param {string} token */
    #post(form, button, token) {
      const field = form.elements.namedItem("confirmation_token");
      if (field instanceof HTMLInputElement) field.value = token;
      this.#hasToken = true;
      form.requestSubmit(button?.isConnected ? button : null);
      this.#hasToken = false;
    }
  }

  // --- The step that a bank asks for.
  class StripeStep extends Part {
    /** @param {HTMLFormElement} form @param {AbortSignal} signal */
    show(form, signal) {
      this.state = "ready";
      const take = () => form.hasAttribute("aria-busy") || this.#take(form, signal);
      const options = { capture: true, signal };
      form.addEventListener(
        "submit",
        (event) => {
          event.preventDefault();
          event.stopImmediatePropagation();
          take();
        },
        options,
      );
      // In answer to the customer's own press only: not in a second tab, not after a reload.
      if (this.hasAttribute("start")) take();
    }

    /** @param {HTMLFormElement} form @param {AbortSignal} signal */
    async #take(form, signal) {
      const root = this.closest("[data-pui]");
      // What comes of it is said with the focus, whoever brings it.
      root?.toggleAttribute("data-pui-acting", true);
      try {
        await this.#act(form, root, signal);
      } finally {
        root?.toggleAttribute("data-pui-acting", false);
      }
    }

    /** @param {HTMLFormElement} form @param {Element | null} root @param {AbortSignal} signal */
    async #act(form, root, signal) {
      const work = {};
      kit().begin(work, form);
      this.say("");
      const problem = await this.#ask(form).catch(() => "failed");
      kit().end(work);
      if (!signal.aborted) {
        // What opens above the page may leave the focus nowhere.
        if (document.activeElement === document.body) form.querySelector("button")?.focus();
        await this.#look(root, signal);
      }
      if (!signal.aborted) return this.say(problem);
      const body = root?.querySelector("[data-pui-body]");
      const result =
        body?.querySelector("[role=group][tabindex='-1']") ??
        body?.querySelector("[tabindex='-1']");
      if (result instanceof HTMLElement) result.focus({ preventScroll: true });
    }

    /** @param {HTMLFormElement} form @returns {Promise<string>} What went wrong. */
    async #ask(form) {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
      const { client_secret: clientSecret, error: refusal } = await answer.json();
      if (!clientSecret) return String(refusal ?? "failed");
      const stripe = await clientOf(this);
      const { error } = await stripe.handleNextAction({ clientSecret });
      return error ? "refused" : "";
    }

    /**
     * Have the widget show what became of it, as soon as the server knows.
     * @param {Element | null} root @param {AbortSignal} signal
     */
    async #look(root, signal) {
      const refresher = root?.querySelector("[data-pui-bg]");
      if (!refresher || !kit().isWired(refresher)) {
        return location.assign(this.getAttribute("page") ?? location.href);
      }
      for (const wait of LOOKS) {
        await pass(wait);
        if (signal.aborted) return;
        document.dispatchEvent(new CustomEvent("payments:changed"));
      }
      await pass(LOOKS[1]);
    }
  }

  customElements.define("pui-stripe", StripeForm);
  customElements.define("pui-stripe-step", StripeStep);
})();
