// Browsers start no workers in pages opened from a folder (file://). There, a hidden frame stands in for the worker of
// the search, which looks for `IFrameWorker` in its parent.
"use strict";
(function () {
  const prelude = `
    postMessage = (data) => parent.dispatchEvent(new MessageEvent("frame-message", { data, source: self }));
    importScripts = (...urls) => urls.reduce((earlier, url) => earlier.then(() => new Promise((done, failed) => {
      const script = Object.assign(document.createElement("script"), { src: url, onload: done, onerror: failed });
      document.body.appendChild(script);
    })), Promise.resolve());`;

  class IFrameWorker extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.srcdoc = `<!doctype html><body><script>${prelude}<\/script><script src="${url}"><\/script>`;
      this.ready = new Promise((done) => this.frame.addEventListener("load", done));
      this.receive = (event) => {
        if (event.source === this.frame.contentWindow) {
          const message = new MessageEvent("message", { data: event.data });
          this.dispatchEvent(message);
          if (this.onmessage) this.onmessage(message);
        }
      };
      window.addEventListener("frame-message", this.receive);
      document.body.appendChild(this.frame);
    }

    postMessage(data) {
      this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      window.removeEventListener("frame-message", this.receive);
      this.frame.remove();
    }
  }

  window.IFrameWorker = IFrameWorker;
  if (location.protocol === "file:") window.Worker = IFrameWorker;
})();
