// What hls-parser (npm) says of playlists in its strict mode: a JSON list of texts in, a list of answers out.
import { readFileSync } from "node:fs";
import HLS from "hls-parser";

HLS.setOptions({ strictMode: true });
const answer = (text) => {
  try {
    const list = HLS.parse(text);
    const places = list.segments.map((one) => [one.mediaSequenceNumber, one.uri, one.duration, one.gap === true]);
    return { problem: "", places };
  } catch (problem) {
    return { problem: problem.message, places: [] };
  }
};
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(answer)));
