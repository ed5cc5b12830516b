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

  // Pauses whatever asks by itself, and stays paused on the next page, too.
  class Pause extends HTMLElement {
    connectedCallback() {
      this.hidden = false;
      this.addEventListener("click", this);
      this.show();
    }

    disconnectedCallback() {
      this.removeEventListener("click", this);
    }

    handleEvent() {
      pause(!window.paymentsUI?.isPaused());
    }

    show() {
      const paused = String(window.paymentsUI?.isPaused() ?? false);
      this.querySelector("button")?.setAttribute("aria-pressed", paused);
    }
  }

  // The button for picking a way to pay, which htmx does on change.
  class Choose extends HTMLElement {
    connectedCallback() {
      this.hide();
      window.addEventListener("load", this);
    }

    disconnectedCallback() {
      window.removeEventListener("load", this);
    }

    handleEvent() {
      this.hide();
    }

    hide() {
      this.hidden = "htmx" in window;
    }
  }

  customElements.define("pui-pause", Pause);
  customElements.define("pui-choose", Choose);
})();
