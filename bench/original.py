"""P0, the original system's way, for one camera: `python -m bench.original FILM`, paced as the film is.

OpenCV decodes every picture; five a second are resized and written as bgr24 into two FFmpegs: one encodes HLS, the
other encodes the same pictures again into the archive. The encoders are told what P1's is told.
"""

import shlex
import signal
import subprocess
import sys
import time

import cv2

FPS, SIZE = 5, (640, 480)
_INPUT = shlex.split(f"ffmpeg -nostdin -loglevel error -f rawvideo -pix_fmt bgr24 -s 640x480 -r {FPS} -i pipe:0")
_X264 = shlex.split("-pix_fmt yuv420p -c:v libx264 -preset veryfast -threads 1 -g 50 -keyint_min 50 -sc_threshold 0")
_HLS = shlex.split("-f hls -hls_time 10 -hls_list_size 0 -hls_segment_filename h_%05d.ts h.m3u8")
_ARCHIVE = shlex.split(
    "-f segment -segment_time 600 -segment_format mp4 -reset_timestamps 1 -segment_format_options"
    " movflags=+frag_keyframe+empty_moov+default_base_moof:flush_packets=1 a_%03d.mp4"
)


def main() -> None:
    """Until it is interrupted."""
    signal.signal(signal.SIGINT, lambda *_: sys.exit())
    film = cv2.VideoCapture(sys.argv[1])
    rate = film.get(cv2.CAP_PROP_FPS)
    writers = [subprocess.Popen([*_INPUT, *_X264, *end], stdin=subprocess.PIPE) for end in (_HLS, _ARCHIVE)]
    began, read, written = time.monotonic(), 0, 0
    while True:
        good, picture = film.read()
        if not good:
            film.set(cv2.CAP_PROP_POS_FRAMES, 0)
            continue
        read += 1
        time.sleep(max(0.0, began + read / rate - time.monotonic()))
        if read / rate <= written / FPS:
            continue
        small = cv2.resize(picture, SIZE)
        for writer in writers:
            if writer.stdin is not None:
                writer.stdin.write(small.tobytes())
        if written % FPS == 0:
            cv2.imwrite(f"s_{written // FPS:05d}.jpg", small)
        written += 1


if __name__ == "__main__":
    main()
