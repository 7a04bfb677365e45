/** The other side of `haveDone`: the program does one thing as it is told, says so and ends. */
export function doOrder<Order>(work: (order: Order) => Promise<void>): void {
  process.once('message', (order: Order) => {
    work(order).then(
      () => process.send?.('done', () => process.exit(0)),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
