const slides = [...document.querySelectorAll('.slide')];
let now = 0;
function show(index) {
  now = Math.max(0, Math.min(slides.length - 1, index));
  slides.forEach((slide, i) => slide.classList.toggle('now', i === now));
  document.getElementById('place').textContent = (now + 1) + ' / ' + slides.length;
  history.replaceState(null, '', '#' + (now + 1));
}
addEventListener('keydown', event => {
  const key = event.key;
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (['ArrowRight', 'ArrowDown', 'PageDown', ' ', 'Enter'].includes(key)) show(now + 1);
  else if (['ArrowLeft', 'ArrowUp', 'PageUp', 'Backspace'].includes(key)) show(now - 1);
  else if (key === 'Home') show(0);
  else if (key === 'End') show(slides.length - 1);
  else if (key === 'n') document.body.classList.toggle('noted');
  else if (key === 'p') print();
  else return;
  event.preventDefault();
});
addEventListener('click', event => {
  if (event.target.closest('a, aside')) return;
  show(now + (event.clientX < innerWidth / 3 ? -1 : 1));
});
addEventListener('hashchange', () => show((parseInt(location.hash.slice(1)) || 1) - 1));
show((parseInt(location.hash.slice(1)) || 1) - 1);
