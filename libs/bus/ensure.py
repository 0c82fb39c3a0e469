"""Streams and buckets stand as the contract says, or the start is refused with what is wrong."""

import nats
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, PersistMode, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from libs.bus.errors import WrongStream
from libs.contracts.streams import BucketSpec, StreamSpec


def stream_config(spec: StreamSpec, replicas: int = 1) -> StreamConfig:
    """The server's form of a stream of the contract."""
    return StreamConfig(
        name=spec.name,
        subjects=list(spec.subjects),
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE if spec.storage == "file" else StorageType.MEMORY,
        discard=DiscardPolicy.OLD if spec.discard == "old" else DiscardPolicy.NEW,
        discard_new_per_subject=spec.discard_new_per_subject,
        max_age=spec.max_age or 0,
        max_bytes=spec.max_bytes,
        max_msg_size=spec.max_msg_size or -1,
        max_msgs_per_subject=spec.max_msgs_per_subject or -1,
        duplicate_window=spec.duplicate_window,
        deny_delete=spec.deny_delete,
        deny_purge=spec.deny_purge,
        allow_direct=True,
        num_replicas=replicas,
        persist_mode=PersistMode.ASYNC if spec.persist_async and replicas == 1 else None,
    )


def shortfalls(spec: StreamSpec, found: StreamConfig) -> list[str]:
    """What the stream on the server lacks; more than the contract asks for is fine."""
    problems = [f"subject {subject} is missing" for subject in spec.subjects if subject not in (found.subjects or [])]
    if found.storage != (StorageType.FILE if spec.storage == "file" else StorageType.MEMORY):
        problems.append(f"storage is {found.storage}, not {spec.storage}")
    if found.max_bytes is not None and 0 < found.max_bytes < spec.max_bytes:
        problems.append(f"max_bytes is {found.max_bytes}, less than {spec.max_bytes}")
    if found.max_age and (spec.max_age is None or found.max_age < spec.max_age):
        problems.append(f"max_age is {found.max_age:g} s, less than {spec.max_age or 'no limit'}")
    if found.max_msg_size and 0 < found.max_msg_size < (spec.max_msg_size or 0):
        problems.append(f"max_msg_size is {found.max_msg_size}, less than {spec.max_msg_size}")
    return problems


async def ensure_stream(js: JetStreamContext, spec: StreamSpec, *, widen: bool = False, replicas: int = 1) -> None:
    """Make the stream when it is absent; raise WrongStream when it stands and lacks something.

    With `widen` (set-up only) what lacks is added instead; nothing is ever narrowed.
    """
    try:
        info = await js.stream_info(spec.name)
    except NotFoundError:
        await js.add_stream(stream_config(spec, replicas))
        return
    problems = shortfalls(spec, info.config)
    if problems and widen:
        try:
            await js.update_stream(stream_config(spec, info.config.num_replicas or replicas))
        except APIError as refused:
            raise WrongStream(f"stream {spec.name}: {'; '.join(problems)} ({refused.description})") from refused
    elif problems:
        raise WrongStream(f"stream {spec.name}: {'; '.join(problems)}; run `dolbom setup`")


async def ensure_bucket(js: JetStreamContext, spec: BucketSpec, replicas: int = 1) -> None:
    """Make the key-value bucket when it is absent."""
    try:
        await js.key_value(spec.name)
    except nats.js.errors.BucketNotFoundError:
        await js.create_key_value(
            bucket=spec.name, ttl=spec.ttl or 0, max_bytes=spec.max_bytes, replicas=replicas, direct=True
        )
