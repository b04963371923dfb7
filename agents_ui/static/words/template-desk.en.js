// words/template-desk.en.js - approved messages at the desk, in English; loaded with their panel
export const words = {
  template_title: "Send an approved message",
  template_which: "Message",
  template_place: "What stands in place {number}",
  template_reads: "As the customer reads it",
  template_send: "Send it",
};
