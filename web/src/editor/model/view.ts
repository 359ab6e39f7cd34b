// Where a point of the frame is on the screen: the picture fitted into the stage, then enlarged and moved. Handles
// and lines are drawn in screen pixels and so keep their size.

import type { Point } from '../../lib/api';
import type { Size } from '../../lib/overlay';

export interface View { readonly zoom: number; readonly left_px: number; readonly top_px: number }

export const WHOLE: View = { zoom: 1, left_px: 0, top_px: 0 };
export const ZOOM_MAX = 12;
/** One press of a button, one notch of a wheel. */
export const ZOOM_STEP = 1.4;

/** The picture's size on the screen before zooming: as large as the stage lets it be whole. */
export function fitted(stage: Size, frame: Size): Size {
  const scale = Math.min(stage.width / frame.width, stage.height / frame.height);
  return { width: frame.width * scale, height: frame.height * scale };
}

export interface Placement { readonly left: number; readonly top: number; readonly width: number; readonly height: number }

/** Where the whole picture lies on the stage. */
export function placement(stage: Size, frame: Size, view: View): Placement {
  const fit = fitted(stage, frame);
  const size = { width: fit.width * view.zoom, height: fit.height * view.zoom };
  return { left: (stage.width - fit.width) / 2 + view.left_px, top: (stage.height - fit.height) / 2 + view.top_px, ...size };
}

export function toScreen([x, y]: Point, at: Placement): Point {
  return [at.left + x * at.width, at.top + y * at.height];
}

/** Not clamped: a pointer beside the picture is outside the frame. */
export function toFrame([x, y]: Point, at: Placement): Point {
  return [(x - at.left) / at.width, (y - at.top) / at.height];
}

/** Zooms so that what lies under `anchor` (screen pixels of the stage) stays there. */
export function zoomed(view: View, factor: number, anchor: Point, stage: Size, frame: Size): View {
  const zoom = Math.max(1, Math.min(ZOOM_MAX, view.zoom * factor));
  const before = placement(stage, frame, view);
  const [u, v] = toFrame(anchor, before);
  const fit = fitted(stage, frame);
  const left_px = anchor[0] - u * fit.width * zoom - (stage.width - fit.width) / 2;
  const top_px = anchor[1] - v * fit.height * zoom - (stage.height - fit.height) / 2;
  return held({ zoom, left_px, top_px }, stage, frame);
}

export function panned(view: View, dx_px: number, dy_px: number, stage: Size, frame: Size): View {
  return held({ ...view, left_px: view.left_px + dx_px, top_px: view.top_px + dy_px }, stage, frame);
}

/** Keeps the picture over the stage: no picture is ever lost beyond an edge. */
function held(view: View, stage: Size, frame: Size): View {
  const fit = fitted(stage, frame);
  const along = (offset_px: number, stage_px: number, fit_px: number) => {
    const [size_px, start_px] = [fit_px * view.zoom, (stage_px - fit_px) / 2];
    if (size_px <= stage_px) return (stage_px - size_px) / 2 - start_px;
    return Math.max(stage_px - size_px - start_px, Math.min(-start_px, offset_px));
  };
  return { zoom: view.zoom, left_px: along(view.left_px, stage.width, fit.width), top_px: along(view.top_px, stage.height, fit.height) };
}
