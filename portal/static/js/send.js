// Sends the form of a page that only hands something on.
document.querySelector("form[data-send]")?.submit();
