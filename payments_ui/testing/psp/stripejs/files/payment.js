// The fields of the payment Element: they look as they are told, and keep what is entered.
/** @import { Appearance, StripeElementsOptionsMode } from "@stripe/stripe-js" */
import { ask, listen, speak } from "./frame.js";

const TEXTS = {
  en: {
    number: "Card number",
    expiry: "Expiration date",
    cvc: "Security code",
    note: "Sandbox – no real money. Try 4242 4242 4242 4242.",
    incomplete: "This is incomplete.",
    invalid: "This is not valid.",
    past: "The card has expired.",
  },
  de: {
    number: "Kartennummer",
    expiry: "Ablaufdatum",
    cvc: "Prüfziffer",
    note: "Sandbox – kein echtes Geld. Etwa 4242 4242 4242 4242.",
    incomplete: "Das ist unvollständig.",
    invalid: "Das ist nicht gültig.",
    past: "Die Karte ist abgelaufen.",
  },
  fr: {
    number: "Numéro de carte",
    expiry: "Date d’expiration",
    cvc: "Code de sécurité",
    note: "Sandbox – pas d’argent réel. Essayez 4242 4242 4242 4242.",
    incomplete: "C’est incomplet.",
    invalid: "Ce n’est pas valable.",
    past: "La carte a expiré.",
  },
  it: {
    number: "Numero di carta",
    expiry: "Data di scadenza",
    cvc: "Codice di sicurezza",
    note: "Sandbox – niente denaro vero. Provi 4242 4242 4242 4242.",
    incomplete: "È incompleto.",
    invalid: "Non è valido.",
    past: "La carta è scaduta.",
  },
};

/** @type {Record<string, string>} */
let spoken = TEXTS.en;
let key = "";
/** @type {StripeElementsOptionsMode} */
let options;

const main = /** @type {HTMLElement} */ (document.querySelector("main"));
const [number, expiry, cvc] = /** @type {HTMLInputElement[]} */ ([
  ...document.querySelectorAll("input"),
]);
/** @param {HTMLInputElement} input */
const digits = (input) => input.value.replaceAll(/\D/g, "");

/** @param {Appearance} [appearance] */
const look = ({ theme, variables = {}, rules = {} } = {}) => {
  const root = document.documentElement;
  root.style.colorScheme = theme === "night" ? "dark" : "light";
  for (const [name, value] of Object.entries(variables)) {
    root.style.setProperty(`--${name}`, String(value));
  }
  for (const [selector, name] of [
    [".Input", "input"],
    [".Input:focus", "focus"],
  ]) {
    const { border = "", boxShadow = "" } = rules[selector] ?? {};
    root.style.setProperty(`--${name}-border`, String(border));
    root.style.setProperty(`--${name}-shadow`, String(boxShadow));
  }
};

const passesLuhn = () =>
  [...digits(number)].reverse().reduce((sum, digit, place) => {
    const value = Number(digit) * ((place % 2) + 1);
    return sum + (value > 9 ? value - 9 : value);
  }, 0) %
    10 ===
  0;

const expires = () => {
  const [month, year] = [digits(expiry).slice(0, 2), `20${digits(expiry).slice(2, 4)}`];
  return { month: Number(month), year: Number(year) };
};

const problems = () => {
  const { month, year } = expires();
  const now = new Date();
  const isPast = year * 12 + month <= now.getFullYear() * 12 + now.getMonth();
  const isShort = digits(number).length < 14;
  return {
    number: isShort ? "incomplete" : passesLuhn() ? "" : "invalid",
    expiry: digits(expiry).length < 4 ? "incomplete" : month > 12 || !month ? "invalid" : "",
    cvc: digits(cvc).length < 3 ? "incomplete" : "",
    ...(digits(expiry).length === 4 && month && month <= 12 && isPast && { expiry: "past" }),
  };
};

/** @param {HTMLInputElement} input @param {string} problem */
const mark = (input, problem) => {
  input.setAttribute("aria-invalid", String(Boolean(problem)));
  const error = document.getElementById(`${input.id}-error`);
  if (error) error.textContent = problem && spoken[problem];
};

const validate = async () => {
  const found = problems();
  for (const input of [number, expiry, cvc]) {
    mark(input, found[/** @type {"number" | "expiry" | "cvc"} */ (input.id)]);
  }
  const first = [number, expiry, cvc].find((input) => input.ariaInvalid === "true");
  if (!first) return {};
  first.focus();
  const error = document.getElementById(`${first.id}-error`)?.textContent;
  return { error: { type: "validation_error", code: `${found.number}_number`, message: error } };
};

const token = async () => {
  const { month, year } = expires();
  const made = await ask("../v1/confirmation_tokens", key, {
    "payment_method_data[type]": "card",
    "payment_method_data[card][number]": digits(number),
    "payment_method_data[card][exp_month]": String(month),
    "payment_method_data[card][exp_year]": String(year),
    "payment_method_data[card][cvc]": digits(cvc),
    ...(options.setupFutureUsage && { setup_future_usage: options.setupFutureUsage }),
  });
  return made.error ? { error: made.error } : { confirmationToken: made };
};

const tell = listen({
  async show(given) {
    ({ key, options } = given);
    spoken = speak(TEXTS, options.locale ?? "en");
    look(options.appearance);
    main.hidden = false;
    return {};
  },
  async update(given) {
    ({ options } = given);
    look(options.appearance);
    return {};
  },
  validate,
  token,
});

number.addEventListener("input", () => {
  number.value = digits(number)
    .replaceAll(/(\d{4})(?=\d)/g, "$1 ")
    .slice(0, 23);
});
expiry.addEventListener("input", ({ inputType = "" }) => {
  if (inputType.startsWith("delete")) return;
  expiry.value = digits(expiry)
    .slice(0, 4)
    .replace(/^(\d\d)(\d)/, "$1 / $2");
});
new ResizeObserver(() => tell({ height: main.offsetHeight })).observe(main);
