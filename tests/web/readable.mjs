// Whether what is on a page can be read, as WCAG 2.2 AA measures it.

/** WCAG 1.4.3: text, and large text. */
const CONTRAST_MIN = 4.5;
const CONTRAST_LARGE_MIN = 3;

/** Texts of less contrast with what they stand on than WCAG allows; those over pictures stand on their own ground. */
export function tooFaint(page) {
  return page.evaluate(([least, least_large]) => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const known = new Map();
    const rgba = (colour) => {
      if (!known.has(colour)) {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        known.set(colour, [r, g, b, a / 255]);
      }
      return known.get(colour);
    };
    const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
    const ground = (element) => {
      const layers = [];
      for (let e = element; e; e = e.parentElement) {
        const colour = rgba(getComputedStyle(e).backgroundColor);
        if (colour[3] > 0) layers.push(colour);
        if (colour[3] === 1) break;
      }
      return layers.reverse().reduce((below, layer) => over(layer, below), rgba(getComputedStyle(document.body).backgroundColor));
    };
    const luminance = ([r, g, b]) => {
      const [R, G, B] = [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
      return 0.2126 * R + 0.7152 * G + 0.0722 * B;
    };
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement;
      const words = texts.currentNode.textContent.trim();
      if (words === '' || !element.checkVisibility({ visibilityProperty: true })) continue;
      if (element.closest('svg, .tile, .backdrop, :disabled, [aria-disabled="true"], .sr-only, option, noscript, script, style')) continue;
      const style = getComputedStyle(element);
      const below = ground(element);
      const [light, dark] = [luminance(over(rgba(style.color), below)), luminance(below)].sort((a, b) => b - a);
      const contrast = (light + 0.05) / (dark + 0.05);
      const px = parseFloat(style.fontSize);
      const large = px >= 24 || (px >= 18.66 && Number(style.fontWeight) >= 700);
      if (contrast < (large ? least_large : least)) found.push(`${words.slice(0, 40)}: ${contrast.toFixed(2)}`);
    }
    return found;
  }, [CONTRAST_MIN, CONTRAST_LARGE_MIN]);
}
