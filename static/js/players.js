// Pressing a player's link loads the player in its place; before, nothing of its site is loaded.
// Without this script, or where the page may not show that site, it leads to the video.
(() => {
  const allowed = document.currentScript.dataset.frames.split(" ");
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-player]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!allowed.includes(new URL(link.dataset.player).origin)) return;
    event.preventDefault();
    const player = document.createElement("iframe");
    player.title = link.querySelector(".player-name").textContent;
    player.allow = "autoplay; encrypted-media; fullscreen; picture-in-picture";
    player.referrerPolicy = "strict-origin"; // YouTube plays for nobody who doesn't say where
    player.setAttribute("sandbox", "allow-scripts allow-same-origin allow-popups allow-presentation");
    player.src = link.dataset.player;
    link.parentElement.setAttribute("hx-morph-skip", ""); // news about the page must not end it
    link.replaceWith(player);
    player.focus();
  });
})();
