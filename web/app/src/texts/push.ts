/** The words about notifications, which are loaded with the settings. */
export const words = {
  title: "Notifications",
  label: "Tell me of new messages",
  text:
    "Also while this page is closed. What is shown is that there is something new, not what and not from whom: the push " +
    "service of your browser learns nothing else.",
  denied:
    "Your browser does not let this page show notifications. Allow them beside the address of the page, then come back.",
  unsupported: "This browser shows no notifications of pages. On an iPhone, put this page on the home screen first.",
};
