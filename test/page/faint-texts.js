// Run in the page: every text whose contrast with what is behind it is less than WCAG 2 asks of small text.
{
  const lightOf = (color) => {
    const [red, green, blue] = color
      .match(/[\d.]+/g)
      .slice(0, 3)
      .map((part) => (part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const groundOf = (element) => {
    if (!element) return 'rgb(255, 255, 255)';
    const color = getComputedStyle(element).backgroundColor;
    return color === 'rgba(0, 0, 0, 0)' ? groundOf(element.parentElement) : color;
  };
  const contrastOf = (element) => {
    const lights = [getComputedStyle(element).color, groundOf(element)].map(lightOf);
    return (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
  };
  const hasText = ({ childNodes }) =>
    [...childNodes].some((node) => node.nodeType === 3 && node.nodeValue.trim() !== '');
  [...document.querySelectorAll('main *:not(:disabled)')]
    .filter((element) => hasText(element) && contrastOf(element) < 4.5)
    .map((element) => `${element.textContent}: ${contrastOf(element)}`);
}
