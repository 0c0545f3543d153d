/** Where hosts of the internet stand, in the wide drawing. */
export const HOSTS = { x: 20, width: 204 };

/** Frames of zones; in them what enters, and functions. */
export const ZONE = { x: 290, width: 384 };

/** What enters a zone, and its tables. */
export const ENTRIES = { x: 302, width: 174 };

/** Functions of a zone. */
export const FUNCTIONS = { x: 516, width: 102 };

/** The frame of the signing zone begins here; lines to keys go down left of it. */
export const SIGNING = { x: 740 };

/** Signers. */
export const SIGNERS = { x: 768, width: 202 };

/** The frame of the signers' network, on whose border their endpoints are. */
export const NETWORK = { x: SIGNERS.x - 14, right: SIGNERS.x + SIGNERS.width + 52 };

/** Keys and records. */
export const KEYS = { x: 1072, width: 118 };

/** Right edge of the signing zone. */
export const RIGHT = 1228;

/** Upper edge of frames. */
export const TOP = 88;

/** Space for a frame's title, and below its content. */
export const HEAD = 42;

/** See {@link HEAD}. */
export const FOOT = 16;

/** Space between nodes. */
export const GAP = 10;

/** Space between frames. */
export const LANE_GAP = 22;

/** Height of a pill. */
export const PILL = 20;
