// words/elsewhere-chat.ar.js - when the other site of the centre comes into it, in Arabic
export const words = {
  moving_asking: "لا يوجد اتصال الآن. نحاول أيضًا عبر موقعنا الثاني.",
  moving_going: "يتولى موقعنا الثاني الأمر. يجري توصيلك.",
  moved_here: "أنت الآن متصل بـ {to}. تابع هنا.",
  arriving: "جارٍ توصيلك بـ {here}…",
  arriving_slow: "يستغرق هذا وقتًا أطول من المعتاد. نواصل المحاولة.",
  arriving_ask: "أنت قادم من {other}. هل تريد متابعة محادثتك هنا؟",
  arriving_go_on: "المتابعة هنا",
  arriving_not: "لا، محادثة جديدة",
  arriving_back: "العودة إلى {other}",
};
