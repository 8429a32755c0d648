// The script of the HTML report: filters, search, theme. The page can be read without it.
(() => {
  const tests = [...document.querySelectorAll('details.test')];
  const texts = new Map(tests.map((test) => [test, test.textContent.toLowerCase()]));
  const filters = [...document.querySelectorAll('button.filter')];
  const search = document.getElementById('search');
  const shown = document.getElementById('shown');

  function show() {
    const hidden = new Set(
      filters.filter((f) => f.getAttribute('aria-pressed') === 'false').map((f) => f.dataset.outcome),
    );
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const test of tests) {
      const text = texts.get(test);
      test.hidden = hidden.has(test.dataset.outcome) || !words.every((word) => text.includes(word));
      if (!test.hidden) count += 1;
    }
    for (const suite of document.querySelectorAll('.suite')) {
      suite.hidden = !suite.querySelector('details.test:not([hidden])');
    }
    document.getElementById('nothing').hidden = count > 0 || tests.length === 0;
    shown.textContent = count === tests.length ? '' : `${count} of ${tests.length}`;
  }

  for (const filter of filters) {
    filter.addEventListener('click', () => {
      filter.setAttribute('aria-pressed', String(filter.getAttribute('aria-pressed') === 'false'));
      show();
    });
  }
  search.addEventListener('input', show);

  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.target.closest('input')) return;
    event.preventDefault();
    search.focus();
  });

  document.getElementById('theme').addEventListener('click', () => {
    const root = document.documentElement;
    const dark = getComputedStyle(root).colorScheme.includes('dark');
    root.dataset.theme = dark ? 'light' : 'dark';
  });

  /** A console shows the lines that match; the number of one leads back to its place in the whole. */
  for (const block of document.querySelectorAll('details.console')) {
    const log = block.querySelector('pre');
    const input = block.querySelector('input');
    const count = block.querySelector('.count');
    if (!log) continue;
    const lines = log.textContent.split('\n');

    function whole(at) {
      input.value = '';
      count.textContent = '';
      log.textContent = lines.join('\n');
      if (at !== undefined) log.scrollTop = (log.scrollHeight / lines.length) * at - log.clientHeight / 2;
    }

    input.addEventListener('input', () => {
      const wanted = input.value.toLowerCase();
      if (wanted === '') return whole();
      const found = lines.flatMap((line, at) => (line.toLowerCase().includes(wanted) ? [at] : []));
      count.textContent = `${found.length} of ${lines.length} lines`;
      log.replaceChildren(...found.flatMap((at) => [lineButton(at, whole), ...marked(lines[at], wanted), '\n']));
    });
  }

  function lineButton(at, whole) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'line';
    button.textContent = `${at + 1}: `;
    button.addEventListener('click', () => whole(at));
    return button;
  }

  function marked(line, wanted) {
    const parts = [];
    let from = 0;
    for (let at = line.toLowerCase().indexOf(wanted); at >= 0; at = line.toLowerCase().indexOf(wanted, from)) {
      const mark = document.createElement('mark');
      mark.textContent = line.slice(at, at + wanted.length);
      parts.push(line.slice(from, at), mark);
      from = at + wanted.length;
    }
    return [...parts, line.slice(from)];
  }
})();
