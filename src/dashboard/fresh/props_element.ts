/** The id of the script element that carries the islands' props from the server to the browser. */
export const PROPS_ELEMENT = "islands";
