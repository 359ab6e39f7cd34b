// A hand on the picture of the editor: points of the frame pressed and dragged with a mouse or a finger,
// wherever the picture lies in the window.

/** Where a point of the frame is in the window. */
export async function onScreen(page, [x, y]) {
  const at = await page.locator('.stage .picture').boundingBox();
  return [at.x + x * at.width, at.y + y * at.height];
}

export async function click(page, point) {
  const [x, y] = await onScreen(page, point);
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.up();
}

/** Draws corner after corner and ends with Enter. */
export async function draw(page, points) {
  for (const point of points) await click(page, point);
  await page.keyboard.press('Enter');
}

/** Presses, pulls there, and calls `held` before the button is let go. */
export async function drag(page, from, to, held = async () => {}) {
  const [[ax, ay], [bx, by]] = [await onScreen(page, from), await onScreen(page, to)];
  await page.mouse.move(ax, ay);
  await page.mouse.down();
  await page.mouse.move((ax + bx) / 2, (ay + by) / 2);
  await page.mouse.move(bx, by);
  await held();
  await page.mouse.up();
}

/** The same with a finger, through the browser's own touch input. */
export async function fingerDrag(page, from, to) {
  const finger = await page.context().newCDPSession(page);
  const touch = (type, points) => finger.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y]) => ({ x, y })) });
  const [[ax, ay], [bx, by]] = [await onScreen(page, from), await onScreen(page, to)];
  await touch('touchStart', [[ax, ay]]);
  for (const share of [0.25, 0.5, 0.75, 1]) await touch('touchMove', [[ax + (bx - ax) * share, ay + (by - ay) * share]]);
  await touch('touchEnd', []);
  await finger.detach();
}

/** Two fingers that move apart: the picture is enlarged. */
export async function pinch(page, centre, from_px, to_px) {
  const finger = await page.context().newCDPSession(page);
  const [x, y] = await onScreen(page, centre);
  const touch = (type, apart_px) => finger.send('Input.dispatchTouchEvent', {
    type, touchPoints: apart_px === null ? [] : [{ x: x - apart_px / 2, y, id: 0 }, { x: x + apart_px / 2, y, id: 1 }],
  });
  await touch('touchStart', from_px);
  for (const share of [0.25, 0.5, 0.75, 1]) await touch('touchMove', from_px + (to_px - from_px) * share);
  await touch('touchEnd', null);
  await finger.detach();
}
