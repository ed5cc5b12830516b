// Controls that need JavaScript, and so show themselves only where it runs.
(() => {
  if (customElements.get("pui-pause")) return; // boosted pages bring the script again

  const pause = (yes) => {
    try {
      localStorage.setItem("pui-paused", yes ? "1" : "0");
    } catch {
      document.documentElement.toggleAttribute("data-pui-paused", yes);
    }
    for (const control of document.querySelectorAll("pui-pause")) control.show();
    if (!yes) document.dispatchEvent(new CustomEvent("payments:changed"));
  };

  const isWired = (element) => window.paymentsUI?.isWired(element) ?? false;

  // A control that shows itself by what htmx has found; anew, whenever it has found more.
  class Control extends HTMLElement {
    connectedCallback() {
      document.addEventListener("payments:wired", this);
      this.show();
    }

    disconnectedCallback() {
      document.removeEventListener("payments:wired", this);
    }

    handleEvent() {
      this.show();
    }
  }

  // Pauses whatever asks by itself, and stays paused on the next page, too.
  class Pause extends Control {
    connectedCallback() {
      super.connectedCallback();
      this.addEventListener("click", this);
    }

    disconnectedCallback() {
      super.disconnectedCallback();
      this.removeEventListener("click", this);
    }

    handleEvent({ type }) {
      if (type === "click") pause(!window.paymentsUI?.isPaused());
      else this.show();
    }

    show() {
      const root = this.closest("[data-pui]") ?? document;
      const asking = [
        ...document.querySelectorAll("[data-pui-heartbeat]"),
        ...root.querySelectorAll("[data-pui-bg]"),
      ];
      this.hidden = !asking.some(isWired);
      const paused = String(window.paymentsUI?.isPaused() ?? false);
      this.querySelector("button")?.setAttribute("aria-pressed", paused);
    }
  }

  // The button for picking a way to pay, which htmx does on change where it has found the form.
  class Choose extends Control {
    show() {
      this.hidden = isWired(this.closest("form"));
    }
  }

  customElements.define("pui-pause", Pause);
  customElements.define("pui-choose", Choose);
})();
