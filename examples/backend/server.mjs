// An API without pages: bookings of somebody who is logged in, and a job that runs by itself.
import { createServer } from 'node:http';
// From npm it would be '@tidemark/node'.
import { createTidemark } from '../../dist/sdk/node.mjs';

const writeKey = process.env.TIDEMARK_WRITE_KEY;
const host = process.env.TIDEMARK_URL ?? 'http://127.0.0.1:7070';
const port = Number(process.env.PORT ?? 7172);
if (!writeKey) {
  console.error('Set TIDEMARK_WRITE_KEY to the write key that `npm start` printed.');
  process.exit(1);
}

const tidemark = createTidemark({
  writeKey,
  host,
  // Events outlive this process and an outage of Tidemark; without a folder they wait in memory.
  ...(process.env.SPOOL && { spoolPath: process.env.SPOOL }),
  // What must not leave the process: here, once and for all events.
  beforeSend(event) {
    delete event.properties?.cardNumber;
    return event;
  },
});
const withRequest = tidemark.middleware();

const bookings = new Map();
const server = createServer((request, response) =>
  // Who asks is said once; whatever is captured below, however deep, is of this user.
  withRequest(request, response, () => tidemark.withIds({ userId: String(request.headers['x-user'] ?? 'nobody') }, () => answer(request, response))),
);
server.listen(port, '127.0.0.1', () => console.log(`Bookings are taken: http://127.0.0.1:${server.address().port}/bookings`));

async function answer(request, response) {
  if (request.method !== 'POST' || request.url !== '/bookings') return response.writeHead(404).end();
  let body = '';
  for await (const chunk of request) body += chunk;
  response.setHeader('content-type', 'application/json');
  try {
    const booking = await book(JSON.parse(body));
    response.writeHead(201).end(JSON.stringify(booking));
  } catch (error) {
    await tidemark.track({ eventName: 'booking_failed', properties: { reason: error.message } });
    response.writeHead(400).end(JSON.stringify({ error: error.message }));
  }
}

async function book({ room, nights, cardNumber }) {
  if (!room || !(nights > 0)) throw new Error('A booking has a room and nights.');
  const booking = { id: `b-${Date.now()}-${bookings.size}`, room, nights };
  bookings.set(booking.id, booking);
  // The booking's own id as the event's: however often this is tried, it is counted once.
  await tidemark.track({ eventId: booking.id, eventName: 'room_booked', properties: { room, nights, cardNumber } });
  return booking;
}

// Nobody asks for this one, so it says itself who it is.
const job = setInterval(
  () => void tidemark.track({ eventName: 'occupancy_measured', userId: 'system', properties: { bookings: bookings.size } }),
  60_000,
);

// What waits is sent before the process ends, by itself; here the server ends, too.
process.once('SIGTERM', () => {
  clearInterval(job);
  server.close();
  server.closeAllConnections();
});
