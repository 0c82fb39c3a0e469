-- A million events and the looks that found them; `:rows` of them, one a second, over ten cameras.
CREATE TABLE numbers (n INT PRIMARY KEY);

INSERT INTO numbers WITH digits AS (
    SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4
    UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9
)
SELECT a.d + b.d * 10 + c.d * 100 + e.d * 1000 + f.d * 10000 + g.d * 100000
FROM digits a, digits b, digits c, digits e, digits f, digits g
WHERE a.d + b.d * 10 + c.d * 100 + e.d * 1000 + f.d * 10000 + g.d * 100000 < :rows;

INSERT INTO realtime_events (
    event_id, camera_id, kind, severity, code, title, description, confidence, first_slot, last_slot, fps,
    started_at, last_at, source, look_id, late, confirmed, detected_fact
)
SELECT uuid(), concat('cam', n % 10), 'safety', 'warning', 'fall',
    '{"ko":"넘어지는 장면","en":"a child falls"}',
    '{"ko":"아이가 넘어지는 장면이 보입니다","en":"a child is seen to fall"}',
    'mid', n * 5, n * 5 + 50, 5, '2026-01-01 00:00:00' + INTERVAL n SECOND, '2026-01-01 00:00:10' + INTERVAL n SECOND,
    'look', uuid(), 0, 1, uuid()
FROM numbers;

INSERT INTO looks (look_id, camera_id, cost_usd) SELECT look_id, camera_id, 0.0007 FROM realtime_events;
