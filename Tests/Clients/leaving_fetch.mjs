// Many callers at once, as a web service makes them: Node's own fetch, a connection for each, gone before the end.
//
//   node leaving_fetch.mjs URL COUNT before-the-head|mid-stream|while-queued
//
// Prints what each caller met, as JSON: how many were aborted, how many had heard something, and other errors.

const [url, count, moment] = process.argv.slice(2);
const outcomes = await Promise.all(Array.from({length: Number(count)}, call));
console.log(JSON.stringify({
  aborted: outcomes.filter(({error}) => error === 'AbortError').length,
  other: outcomes.map(({error}) => error).filter((error) => error && error !== 'AbortError'),
  heard: outcomes.filter(({bytes}) => bytes > 0).length,
}));

async function call() {
  const controller = new AbortController();
  let bytes = 0;
  try {
    if (moment !== 'mid-stream') setTimeout(() => controller.abort(), 300);
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: {'content-type': 'application/json', connection: 'close'},
      body: JSON.stringify({model: 'mock', stream: true, messages: [{role: 'user', content: 'Say hello.'}]}),
      signal: controller.signal,
    });
    for await (const chunk of answer.body) {
      bytes += chunk.length;
      if (moment === 'mid-stream' && bytes > 400) controller.abort();
    }
    return {bytes, error: null};
  } catch (error) {
    return {bytes, error: error.name};
  }
}
