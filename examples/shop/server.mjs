// The shop's backend: a page, and an order that is captured where it is taken, on the server.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
// From npm it would be '@tidemark/node'.
import { createTidemark } from '../../dist/sdk/node.mjs';

const writeKey = process.env.TIDEMARK_WRITE_KEY;
const host = process.env.TIDEMARK_URL ?? 'http://127.0.0.1:7070';
const port = Number(process.env.PORT ?? 7171);
if (!writeKey) {
  console.error('Set TIDEMARK_WRITE_KEY to the write key that `npm start` or `tidemark demo` printed.');
  process.exit(1);
}
const tidemark = createTidemark({ writeKey, host });
const withIds = tidemark.middleware();

// Goods and names of events are those of `tidemark demo`: its questions hold here, too.
const PRODUCTS = [
  { sku: 'COF-01', name: 'House espresso, 500 g', category: 'coffee', price: 13.9 },
  { sku: 'TEA-01', name: 'Green tea, 100 g', category: 'tea', price: 8.9 },
  { sku: 'CUP-01', name: 'Stoneware cup', category: 'cups', price: 18 },
];
const page = readFileSync(new URL('page.html', import.meta.url), 'utf8')
  .replaceAll('{{host}}', host)
  .replaceAll('{{writeKey}}', writeKey)
  .replaceAll('{{products}}', JSON.stringify(PRODUCTS));

const server = createServer((request, response) =>
  withIds(request, response, () => {
    if (request.method === 'POST' && request.url === '/orders') return void takeOrder(request, response);
    response.setHeader('content-type', 'text/html; charset=utf-8').end(page);
  }),
);
server.listen(port, '127.0.0.1', () => console.log(`The shop is open: http://127.0.0.1:${server.address().port}`));

let orders = 0;
async function takeOrder(request, response) {
  let body = '';
  for await (const chunk of request) body += chunk;
  const order = readOrder(body);
  if (!order) return response.writeHead(400).end('An order has an email and skus.');
  const items = order.skus.map((sku) => PRODUCTS.find((product) => product.sku === sku));
  if (items.length === 0 || items.includes(undefined)) return response.writeHead(404).end('No such goods.');
  const total = items.reduce((sum, { price }) => sum + price, 0);
  // The page's device stands in the request's headers, so this event is of the person who clicked.
  await tidemark.track({
    eventName: 'purchase',
    userId: order.email,
    properties: { orderId: `o-${Date.now()}-${++orders}`, total, skus: order.skus },
  });
  response.end('ordered');
}

function readOrder(body) {
  try {
    const { email, skus } = JSON.parse(body);
    return typeof email === 'string' && Array.isArray(skus) ? { email, skus } : undefined;
  } catch {
    return undefined;
  }
}
