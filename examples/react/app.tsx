import { DanmakuError } from "@danmakud/client";
import { Overlay } from "@danmakud/overlay";
import { type FormEvent, StrictMode, useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { useRoom } from "./use-room.ts";

const query = new URLSearchParams(location.search);
const NODE = query.get("node") ?? "ws://127.0.0.1:8080";
const ROOM = query.get("room") ?? "demo";
const UID = `guest-${Math.random().toString(36).slice(2, 8)}`;

function App() {
  const { room, state, latest } = useRoom(NODE, ROOM, UID);
  const [text, setText] = useState("");
  const [note, setNote] = useState("");
  const stage = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (stage.current === null || room === undefined) return;
    const overlay = new Overlay(stage.current);
    const stop = room.on("message", (danmaku) => overlay.emit({ ...danmaku, own: danmaku.uid === room.uid }));
    return () => {
      stop();
      overlay.destroy();
    };
  }, [room]);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setText("");
    setNote("");
    try {
      await room?.send({ content: text });
    } catch (error) {
      setText(text);
      setNote(error instanceof DanmakuError ? `${error.code}: ${error.message}` : String(error));
    }
  }

  return (
    <main>
      <h1>danmakud with React</h1>
      <div id="stage" ref={stage} />
      <form onSubmit={submit}>
        <input
          value={text}
          onChange={(event) => setText(event.target.value)}
          maxLength={200}
          aria-label="Comment"
        />
        <button type="submit" disabled={text.trim() === ""}>
          Send
        </button>
      </form>
      <p role="status">{note || state}</p>
      <ol>
        {latest.map(({ offset, uid, content }) => (
          <li key={offset}>
            <b>{uid}</b> {content}
          </li>
        ))}
      </ol>
    </main>
  );
}

createRoot(document.body.appendChild(document.createElement("div"))).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
