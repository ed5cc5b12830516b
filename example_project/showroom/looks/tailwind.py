"""Tailwind's utilities. Its command line reads this file to know which ones to build."""

from __future__ import annotations

BUTTON = (
    "inline-flex min-h-11 items-center justify-center rounded-lg border px-4 py-2 font-semibold "
    "focus-visible:outline-2 focus-visible:outline-offset-2 focus-visible:outline-accent "
)
FULL = "border-transparent bg-accent text-on-accent hover:bg-accent-strong"
QUIET = "border-edge bg-surface text-ink hover:bg-canvas"
INPUT = (
    "block w-full min-h-11 rounded-lg border border-field bg-surface px-3 py-2 text-ink "
    "focus-visible:outline-2 focus-visible:outline-accent"
)
FRAME = "mx-auto w-full max-w-6xl px-4 sm:px-6 "
SEGMENT = (
    "min-h-9 border border-field px-3 text-sm first:rounded-s-lg last:rounded-e-lg "
    "-ms-px first:ms-0 focus-visible:z-1 focus-visible:outline-2 focus-visible:outline-accent "
)
STEP = "inline-flex size-7 shrink-0 items-center justify-center rounded-full text-sm font-bold "

CLASSES = {
    "root": "h-full",
    "body": "flex min-h-screen flex-col bg-canvas text-ink antialiased",
    "skip": "sr-only focus:not-sr-only focus:absolute focus:z-10 focus:bg-surface focus:p-3",
    "hidden": "sr-only",
    # Frame
    "bar": "border-b border-edge bg-surface",
    "bar_inner": FRAME + "flex flex-wrap items-center gap-x-6 gap-y-1 py-3",
    "brand": "me-auto inline-flex min-h-11 items-center gap-2 text-lg font-bold tracking-tight",
    "mark": "size-7 text-accent",
    "nav": "flex flex-wrap items-center gap-x-5",
    "nav_link": "inline-flex min-h-11 items-center gap-2 border-b-2 border-transparent text-soft "
    "hover:text-ink aria-[current=page]:border-accent aria-[current=page]:font-semibold "
    "aria-[current=page]:text-ink forced-colors:not-aria-[current=page]:border-[Canvas]",
    "main": FRAME + "grow py-8 md:py-12",
    "footer": "mt-auto border-t border-edge bg-surface",
    "footer_inner": FRAME + "grid gap-6 py-8",
    # Text
    "display": "text-4xl font-bold tracking-tight text-balance md:text-5xl",
    "lead": "my-4 max-w-prose text-lg text-soft",
    "muted": "text-sm text-soft",
    "h1": "text-3xl font-bold tracking-tight",
    "h2": "mb-2 text-lg font-semibold",
    # Arrangement
    "hero": "mb-10 grid items-center gap-8 lg:grid-cols-2",
    "thirds": "grid gap-6 md:grid-cols-3",
    "halves": "my-6 grid items-start gap-6 lg:grid-cols-2",
    "columns": "mt-6 grid items-start gap-8 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]",
    "stack": "grid content-start gap-5",
    "narrow": "mx-auto grid max-w-md gap-5",
    "heading": "flex flex-wrap items-center justify-between gap-3",
    "actions": "mt-3 flex flex-wrap gap-3",
    "card": "rounded-xl border border-edge bg-surface shadow-xs",
    "card_body": "p-5",
    # Things
    "button": BUTTON + FULL,
    "button_quiet": BUTTON + QUIET,
    "field": "mb-4",
    "label": "mb-1 block font-medium",
    "input": INPUT,
    "select": INPUT,
    "help": "mt-1 text-sm text-soft",
    "error": "mb-1 text-sm font-medium text-bad",
    "note": "rounded-xl border border-edge bg-tint p-4 text-sm",
    "good": "mb-4 rounded-xl border border-accent bg-tint p-4",
    "bad": "mb-4 rounded-xl border border-bad bg-surface p-4 text-bad",
    "table": "w-full border-collapse [&_td]:border-t [&_th]:border-t [&_:is(td,th)]:border-edge "
    "[&_:is(td,th)]:py-2 [&_th]:text-start [&_th]:font-medium",
    "caption": "pb-2 text-start font-semibold",
    "number": "text-end! tabular-nums",
    "facts": "grid grid-cols-[auto_1fr] gap-x-6 gap-y-1 [&_dt]:text-soft [&_dd]:min-w-0 "
    "[&_dd]:wrap-anywhere",
    "gallery": "grid grid-cols-[repeat(auto-fill,minmax(7.5rem,1fr))] gap-4",
    "tile": "block rounded-lg focus-visible:outline-2 focus-visible:outline-offset-4 "
    "focus-visible:outline-accent",
    "tile_name": "mt-2 block font-semibold wrap-anywhere",
    "picture": "h-auto w-full rounded-lg border border-edge",
    "stage": "mx-auto grid w-full max-w-md gap-2",
    "blank": "grid min-h-72 place-items-center rounded-xl border border-dashed border-field "
    "text-soft",
    # The showroom
    "guide": "border-b border-edge bg-tint",
    "guide_end": FRAME + "pb-3 text-sm",
    "steps": FRAME + "flex flex-wrap gap-x-8 gap-y-2 py-3",
    "step": "flex items-center gap-2",
    "step_here": "inline-flex min-h-6 items-center font-semibold underline underline-offset-4",
    "step_number": STEP + "border border-current",
    "step_done": STEP + "bg-accent text-on-accent",
    "sandbox": "max-w-md",
    "summary": "min-h-11 cursor-pointer py-2",
    "switches": "flex flex-wrap gap-x-6 gap-y-4",
    "switch": "grid gap-1",
    "switch_label": "mb-1 text-sm text-soft",
    "segments": "flex flex-wrap",
    "segment": SEGMENT + "bg-surface text-ink hover:bg-canvas",
    "segment_on": SEGMENT + "bg-accent text-on-accent font-semibold "
    "forced-colors:outline-2 forced-colors:-outline-offset-4 forced-colors:outline-[Highlight]",
}

#: What the kit's widgets take from this look; for the rest they bring their own.
KIT = {
    "button": BUTTON + FULL,
    "secondary": BUTTON + QUIET,
    "card": "rounded-xl border border-edge bg-surface p-5 shadow-xs",
    "badge": "rounded-full bg-accent px-2 py-0.5 text-xs font-semibold text-on-accent",
    "input": INPUT,
}
