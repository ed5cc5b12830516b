// Tells the page that shows this one in a frame that the customer is done here.
if (window.parent !== window) {
  window.parent.postMessage({ stripe: "3ds_authentication_complete" }, "*");
}
