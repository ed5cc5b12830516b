// Stands in for Stripe.js where nothing leaves this machine: the parts that payments_ui uses, with
// their types as @stripe/stripe-js declares them. Card numbers stay in its frames, as with Stripe.
/** @import { ConfirmationTokenResult, CreateConfirmationToken, Stripe } from "@stripe/stripe-js" */
/** @import { PaymentIntentOrSetupIntentResult, StripeConstructor } from "@stripe/stripe-js" */
/** @import { StripeConstructorOptions, StripeElements, StripeError } from "@stripe/stripe-js" */
/** @import { StripeElementsOptionsMode, StripeElementsUpdateOptions } from "@stripe/stripe-js" */
/** @import { StripePaymentElement } from "@stripe/stripe-js" */
(() => {
  if (window.Stripe) return;

  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const here = new URL(".", script.src).href;
  const api = new URL("../v1/", script.src).href;
  const NEVER = "paymentMethodTypes";

  /** @param {string} message @returns {never} */
  const refuse = (message) => {
    const error = new Error(message);
    error.name = "IntegrationError";
    throw error;
  };

  /** @param {string} src @param {string} title */
  const frame = (src, title) => {
    const element = Object.assign(document.createElement("iframe"), { src, title });
    Object.assign(element.style, { border: "0", display: "block", width: "100%" });
    return element;
  };

  /** A frame of ours in the shop's page, and calls into it. */
  class Frame {
    /** @type {Map<number, (answer: any) => void>} */
    #waiting = new Map();
    #channel = new MessageChannel();
    #calls = 0;

    /** @param {string} page @param {string} title @param {(news: any) => void} hear */
    constructor(page, title, hear) {
      this.element = frame(`${here}${page}`, title);
      this.#channel.port1.onmessage = ({ data: { call, answer, news } }) => {
        if (news) return hear(news);
        this.#waiting.get(call)?.(answer);
        this.#waiting.delete(call);
      };
      // The frame says when it listens; one that is moved in the page loads anew.
      this.opened = new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
        const listen = (/** @type {MessageEvent} */ { source, data }) => {
          if (source !== this.element.contentWindow || data !== "listening") return;
          window.removeEventListener("message", listen);
          this.element.contentWindow?.postMessage("talk", here, [this.#channel.port2]);
          resolve();
        };
        window.addEventListener("message", listen);
      });
    }

    /** @param {string} name @param {object} [given] @returns {Promise<any>} */
    async call(name, given = {}) {
      await this.opened;
      const call = ++this.#calls;
      this.#channel.port1.postMessage({ call, name, given });
      return new Promise((resolve) => this.#waiting.set(call, resolve));
    }

    close() {
      this.#channel.port1.close();
      this.element.remove();
    }
  }

  /** @implements {Pick<StripePaymentElement, "mount" | "destroy" | "unmount" | "focus" | "blur">} */
  class PaymentElement {
    /** @type {Frame | undefined} */
    frame;
    /** @type {Map<string, ((event: any) => any)[]>} */
    #handlers = new Map();
    #isDestroyed = false;
    /** @type {object} */
    #settings;

    /** @param {object} settings */
    constructor(settings) {
      this.#settings = settings;
    }

    /** @param {"ready" | "loaderror" | "change" | "focus" | "blur"} type @param {(event: any) => any} handler */
    on(type, handler) {
      this.#handlers.set(type, [...(this.#handlers.get(type) ?? []), handler]);
      return this;
    }

    /** @param {string | HTMLElement} at */
    mount(at) {
      const place = typeof at === "string" ? document.querySelector(at) : at;
      if (this.#isDestroyed) refuse("This Element has been destroyed.");
      if (!place?.isConnected) return refuse("The place to mount at is not in the page.");
      const frame = new Frame("payment.html", "Secure payment input frame", (news) => {
        if (news.height) frame.element.style.height = `${news.height}px`;
        else this.#tell(news.type, { elementType: "payment", ...news });
      });
      this.frame = frame;
      place.replaceChildren(frame.element);
      frame.call("show", this.#settings).then(({ error }) => {
        this.#tell(error ? "loaderror" : "ready", { elementType: "payment", error });
      });
    }

    unmount() {
      this.frame?.close();
      this.frame = undefined;
    }

    destroy() {
      this.unmount();
      this.#isDestroyed = true;
    }

    focus() {
      this.frame?.element.focus();
    }

    blur() {
      this.frame?.element.blur();
    }

    /** @param {string} type @param {object} event */
    #tell(type, event) {
      for (const handler of this.#handlers.get(type) ?? []) handler(event);
    }
  }

  /** @implements {Pick<StripeElements, "submit" | "update">} */
  class Elements {
    /** @type {PaymentElement | undefined} */
    #payment;
    isSubmitted = false;
    /** @type {StripeElementsOptionsMode} */
    #options;
    /** @type {string} */
    #key;

    /** @param {string} key @param {StripeElementsOptionsMode} options */
    constructor(key, options) {
      check(options);
      this.#key = key;
      this.#options = options;
    }

    /** @param {"payment"} type */
    create(type) {
      if (type !== "payment") refuse(`${type} is not played.`);
      if (this.#payment) refuse("Can only create one Element of type payment.");
      this.#payment = new PaymentElement({ key: this.#key, options: this.#options });
      return this.#payment;
    }

    /** @returns {Promise<{ error?: StripeError, selectedPaymentMethod?: undefined }>} */
    async submit() {
      const { error } = await this.frame.call("validate");
      this.isSubmitted = !error;
      return { error };
    }

    /** @param {StripeElementsUpdateOptions} changes */
    async update(changes) {
      const options = /** @type {StripeElementsOptionsMode} */ ({ ...this.#options, ...changes });
      check(options);
      this.#options = options;
      await this.#payment?.frame?.call("update", { options });
    }

    get frame() {
      return this.#payment?.frame ?? refuse("The payment Element is not mounted.");
    }
  }

  /** @param {StripeElementsOptionsMode} options What has to be refused, as Stripe refuses it. */
  const check = (options) => {
    const { mode, currency = "", appearance } = options;
    const amount = mode === "payment" ? options.amount : 1;
    /** @type {[isWrong: boolean, message: string][]} */
    const rules = [
      [NEVER in options, `${NEVER} is no longer supported.`],
      ["clientSecret" in options, "An intent of its own is not played."],
      [mode !== "payment" && mode !== "setup", `The mode ${mode} is not played.`],
      [!/^[a-z]{3}$/.test(currency), `${currency} is no currency in three small letters.`],
      [!Number.isSafeInteger(amount) || amount <= 0, `${amount} is no number of minor units.`],
      ...Object.entries(appearance?.variables ?? {}).map(
        ([name, value]) =>
          /** @type {[boolean, string]} */ ([
            /var\(|light-dark\(|color-mix\(|^$/.test(value),
            `${name} is ${value}, which the frame does not know.`,
          ]),
      ),
    ];
    for (const [isWrong, message] of rules) if (isWrong) refuse(message);
  };

  /** @implements {Pick<Stripe, "createConfirmationToken" | "handleNextAction">} */
  class PlayedStripe {
    /** @type {string} */
    #key;
    /** @type {string} */
    #locale;

    /** @param {string} key @param {StripeConstructorOptions} options */
    constructor(key, { locale = "auto" } = {}) {
      if (!/^pk_test_/.test(key)) refuse("Only test keys are played: pk_test_…");
      this.#key = key;
      this.#locale = locale === "auto" ? navigator.language : locale;
    }

    /** @param {StripeElementsOptionsMode} options */
    elements(options) {
      const locale = /** @type {StripeElementsOptionsMode["locale"]} */ (this.#locale);
      return new Elements(this.#key, { locale, ...options });
    }

    /** @param {CreateConfirmationToken} options @returns {Promise<ConfirmationTokenResult>} */
    async createConfirmationToken({ elements: given }) {
      const elements = /** @type {unknown} */ (given);
      if (!(elements instanceof Elements)) return refuse("These elements are not played.");
      if (!elements.isSubmitted) return refuse("elements.submit() has to be called before.");
      elements.isSubmitted = false;
      return elements.frame.call("token");
    }

    /**
     * @param {{ clientSecret?: string, hashedValue?: string }} options
     * @returns {Promise<PaymentIntentOrSetupIntentResult>}
     */
    async handleNextAction({ clientSecret = "" }) {
      const before = await this.#retrieve(clientSecret);
      if (before.error) return before;
      if (before.status !== "requires_action") refuse(`The status is ${before.status}.`);
      const { type, redirect_to_url: redirect, use_stripe_sdk: sdk } = before.next_action;
      if (type === "redirect_to_url") {
        location.assign(redirect.url);
        return new Promise(() => {});
      }
      await ask3DSecure(sdk.stripe_js);
      const after = await this.#retrieve(clientSecret);
      if (after.error) return after;
      const name = after.object === "setup_intent" ? "setupIntent" : "paymentIntent";
      if (after.status !== "requires_payment_method") {
        return /** @type {PaymentIntentOrSetupIntentResult} */ ({ [name]: after });
      }
      const code = `${after.object}_authentication_failure`;
      return { error: { type: "invalid_request_error", code, [after.object]: after } };
    }

    /** @param {string} secret @returns {Promise<any>} The intent, or an `error`. */
    async #retrieve(secret) {
      const id = secret.replace(/_secret_.*/, "");
      const resource = id.startsWith("seti_") ? "setup_intents" : "payment_intents";
      const query = new URLSearchParams({ client_secret: secret, key: this.#key });
      try {
        return await (await fetch(`${api}${resource}/${id}?${query}`)).json();
      } catch {
        return { error: { type: "api_connection_error" } };
      }
    }
  }

  /** @param {string} url The bank's page, shown above the shop's until the customer is done. */
  const ask3DSecure = async (url) => {
    const dialog = document.createElement("dialog");
    const page = frame(url, "3-D Secure");
    const style = { border: "0", borderRadius: "8px", padding: "0", width: "min(32rem, 100%)" };
    dialog.setAttribute("aria-label", "3-D Secure");
    Object.assign(dialog.style, style);
    page.style.height = "min(36rem, 80vh)";
    dialog.append(page);
    document.body.append(dialog);
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.showModal();
    page.focus();
    await new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      const hear = (/** @type {MessageEvent} */ { source, data }) => {
        if (source !== page.contentWindow || !data.stripe) return;
        window.removeEventListener("message", hear);
        resolve();
      };
      window.addEventListener("message", hear);
    });
    dialog.close();
    dialog.remove();
  };

  /** @param {string} key @param {StripeConstructorOptions} [options] */
  const construct = (key, options) => new PlayedStripe(key, options);
  window.Stripe = /** @type {StripeConstructor} */ (/** @type {unknown} */ (construct));
})();
