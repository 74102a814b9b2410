"""One client of Eclipse Paho for Python (1.6), unmodified: subscribes, publishes at QoS 0 to 2, keeps a retained message, and prints
what it saw as JSON. Arguments: one JSON object {host, port, transport: tcp|ws, ca, level: 3|4|5, id, topic}.
SPDX-License-Identifier: Apache-2.0"""
import json
import queue
import sys

import paho.mqtt.client as mqtt

LIMIT = 20
LEVELS = {3: mqtt.MQTTv31, 4: mqtt.MQTTv311, 5: mqtt.MQTTv5}


def main(asked):
    happened = queue.Queue()
    level = LEVELS[asked["level"]]
    kind = "websockets" if asked["transport"] == "ws" else "tcp"
    options = {} if level == mqtt.MQTTv5 else {"clean_session": True}
    client = mqtt.Client(client_id=asked["id"], protocol=level, transport=kind, **options)
    if kind == "websockets":
        client.ws_set_options(path="/mqtt")
    if asked.get("ca"):
        client.tls_set(ca_certs=asked["ca"])
    client.on_connect = lambda _c, _u, _f, code, *_: happened.put(("connack", int(getattr(code, "value", code))))
    client.on_subscribe = lambda _c, _u, mid, granted, *_: happened.put(("suback", [int(getattr(g, "value", g)) for g in granted]))
    client.on_publish = lambda _c, _u, mid, *_: happened.put(("sent", mid))
    client.on_message = lambda _c, _u, m: happened.put(("message", {"topic": m.topic, "text": m.payload.decode(), "qos": m.qos,
                                                                    "retain": bool(m.retain)}))
    client.on_disconnect = lambda _c, _u, code, *_: happened.put(("closed", int(getattr(code, "value", code))))
    seen = {"messages": []}

    def wait(kind, count=1):
        while count:
            what, value = happened.get(timeout=LIMIT)
            if what == "message":
                seen["messages"].append(value)
            else:
                seen.setdefault(what, value)
            count -= what == kind

    client.connect(asked["host"], asked["port"], keepalive=30)
    client.loop_start()
    wait("connack")
    client.subscribe(asked["topic"] + "/+", qos=2)
    wait("suback")
    for qos in (0, 1, 2):
        client.publish(f"{asked['topic']}/{qos}", f"q{qos}", qos=qos)
    wait("message", 3)
    client.unsubscribe(asked["topic"] + "/+")
    client.publish(asked["topic"] + "/kept", "kept", qos=1, retain=True).wait_for_publish(LIMIT)
    client.subscribe(asked["topic"] + "/kept", qos=1)
    wait("message")
    client.disconnect()
    wait("closed")
    client.loop_stop()
    seen["messages"].sort(key=lambda m: m["topic"])
    print(json.dumps(seen))


main(json.loads(sys.argv[1]))
