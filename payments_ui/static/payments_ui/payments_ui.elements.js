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

  // The button for picking a way to pay, which htmx does on change where it has found the form. What
  // was picked before that has changed nothing yet: it is picked anew, before the button goes.
  class Choose extends Control {
    show() {
      const form = this.closest("form");
      if (this.hidden || !isWired(form)) return;
      this.hidden = true;
      const picked = form.querySelector("input:checked");
      if (picked && !picked.defaultChecked)
        picked.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }

  // The link that looks again, which htmx does by itself where it has found the refresher.
  class Look extends Control {
    show() {
      this.hidden = isWired(this.parentElement.querySelector("[data-pui-bg]"));
    }
  }

  // Shown where a script can do what its button says.
  class Press extends HTMLElement {
    connectedCallback() {
      this.hidden = false;
      this.button = this.querySelector("button");
      this.button.hidden = false;
      this.button.addEventListener("click", this);
    }

    disconnectedCallback() {
      this.button.removeEventListener("click", this);
    }
  }

  class Print extends Press {
    handleEvent() {
      window.print();
    }
  }

  // Copies a value, and says so to those who see and to those who hear.
  class Copy extends Press {
    async handleEvent() {
      const { value, done } = this.dataset;
      try {
        await navigator.clipboard.writeText(value);
      } catch {
        getSelection().selectAllChildren(this.querySelector("bdi"));
        document.execCommand("copy"); // where the page came over plain HTTP
      }
      this.button.textContent = done;
      const live = this.closest("[data-pui]")?.querySelector("[data-pui-live]");
      const said = Object.assign(document.createElement("span"), { className: "pui-hidden" });
      said.textContent = `${done}: ${value}`;
      live?.replaceChildren(said);
    }
  }

  // The sum of what is ticked, as the server writes amounts, and a button that ticks everything.
  class Selection extends Press {
    connectedCallback() {
      super.connectedCallback();
      this.addEventListener("change", this);
    }

    disconnectedCallback() {
      super.disconnectedCallback();
      this.removeEventListener("change", this);
      this.asking?.abort();
    }

    handleEvent({ type }) {
      if (type === "click") {
        const boxes = [...this.querySelectorAll("input[type=checkbox]")];
        const every = boxes.some((box) => !box.checked);
        for (const box of boxes) box.checked = every;
      }
      this.sum();
    }

    async sum() {
      this.asking?.abort();
      this.asking = new AbortController();
      const { signal } = this.asking;
      const fields = new FormData(this.closest("form"));
      fields.delete("csrfmiddlewaretoken");
      const output = this.querySelector("output");
      try {
        const url = `${this.dataset.url}?${new URLSearchParams(fields)}`;
        const answer = await fetch(url, { signal });
        if (!answer.ok || answer.redirected) throw new Error(answer.status);
        output.textContent = (await answer.json()).text;
        output.hidden = false;
      } catch (error) {
        // A sum that is not known is not shown; the next page has it.
        if (error.name !== "AbortError") output.hidden = true;
      }
    }
  }

  customElements.define("pui-selection", Selection);
  customElements.define("pui-print", Print);
  customElements.define("pui-copy", Copy);
  customElements.define("pui-pause", Pause);
  customElements.define("pui-choose", Choose);
  customElements.define("pui-look", Look);
})();
