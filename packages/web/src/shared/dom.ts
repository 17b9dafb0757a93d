/** Small helpers over the DOM. Everything that came from outside is set as text; nothing here takes markup. */

/** The element with an id, of the class expected; a page without it is our own mistake. */
export function byId<E extends HTMLElement>(id: string, kind: new () => E): E {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return element;
}

/** A new element with a class and text. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  text = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/**
 * Makes a button open and close a panel. Escape and a press elsewhere close it; Escape gives the focus back.
 * @param changed told whether the panel is open now
 */
export function disclose(
  button: HTMLButtonElement,
  panel: HTMLElement,
  changed: (open: boolean) => void,
): void {
  const set = (open: boolean) => {
    button.setAttribute("aria-expanded", String(open));
    changed(open);
  };
  const isOpen = () => button.getAttribute("aria-expanded") === "true";
  button.addEventListener("click", () => set(!isOpen()));
  document.addEventListener("pointerdown", (event) => {
    const inside =
      event.target instanceof Node && (panel.contains(event.target) || button.contains(event.target));
    if (isOpen() && !inside) set(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !isOpen()) return;
    if (panel.contains(document.activeElement)) button.focus();
    set(false);
  });
}
